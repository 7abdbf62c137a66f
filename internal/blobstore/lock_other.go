//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package blobstore

import "os"

// tryLock has no locks to take here: age alone tells what is left over.
func tryLock(*os.File) (bool, error) { return true, nil }
