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

// Texts are files written as "name=text".
func Texts(files ...string) []File {
	var out []File
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		out = append(out, File{Name: name, Data: []byte(text)})
	}
	return out
}

// Zip makes a zip of the files, in their order, with Go's archive/zip. "a.jar!/x" is the file x of the
// jar a.jar in it; what ends in .class is assembled by Class.
func Zip(files []File) ([]byte, error) {
	files, err := assembled(files)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
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

// Changed makes a zip like Zip's, by Raw, with the changes done to it, one after the other. It returns
// them in words too.
func Changed(files []File, changes ...string) (b []byte, words []string, err error) {
	if files, err = assembled(files); err != nil {
		return nil, nil, err
	}
	z := NewRaw(files)
	for _, line := range changes {
		said, err := z.Change(line)
		if err != nil {
			return nil, nil, err
		}
		words = append(words, said)
	}
	return z.Bytes(), words, nil
}

// assembled makes jars and class files.
func assembled(files []File) ([]File, error) {
	var out []File
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
		out = append(out, f)
	}
	return out, nil
}
