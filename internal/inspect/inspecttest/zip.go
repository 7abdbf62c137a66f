package inspecttest

import (
	"archive/zip"
	"bytes"
	"strings"
)

// File is a file of a zip.
type File struct {
	Name string
	Data []byte
}

// Zip makes a zip of the files, in their order. "a.jar!/x" is the file x of the jar a.jar in it; what
// ends in .class is assembled by Class.
func Zip(files []File) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i++ {
		f := files[i]
		if jar, _, nested := strings.Cut(f.Name, "!/"); nested {
			var inside []File
			for ; i < len(files) && strings.HasPrefix(files[i].Name, jar+"!/"); i++ {
				inside = append(inside, File{strings.TrimPrefix(files[i].Name, jar+"!/"), files[i].Data})
			}
			i--
			data, err := Zip(inside)
			if err != nil {
				return nil, err
			}
			f = File{jar, data}
		} else if strings.HasSuffix(f.Name, ".class") {
			data, err := Class(string(f.Data))
			if err != nil {
				return nil, err
			}
			f.Data = data
		}
		e, err := w.Create(f.Name)
		if err == nil {
			_, err = e.Write(f.Data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
