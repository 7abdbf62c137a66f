package lines

// Blank reports whether nothing but characters up to U+0020 stands in the line.
func (p Part) Blank() bool {
	for _, c := range p.Text {
		if c > ' ' {
			return false
		}
	}
	return true
}
