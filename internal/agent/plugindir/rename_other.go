//go:build unix && !linux

package plugindir

import "os"

// renameAt moves a name from one open folder to another. What is there is looked for before.
func renameAt(dirA *os.File, a string, dirB *os.File, b string) error {
	if err := renameIfFree(dirA, a, dirB, b); err != nil {
		return &os.LinkError{Op: "rename", Old: dirA.Name() + "/" + a, New: dirB.Name() + "/" + b, Err: err}
	}
	return nil
}
