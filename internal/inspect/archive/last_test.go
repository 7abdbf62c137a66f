package archive

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

// The end of a jar is found however long it is, and however its bytes come.
func TestLastBytes(t *testing.T) {
	t.Parallel()
	const most = maxJarDirectory + endLen + maxComment
	for _, c := range []struct{ n, size int }{
		{1, 0}, {1, 1}, {1, 5}, {10, 9}, {10, 10}, {10, 19}, {10, 20}, {10, 21}, {10, 1000}, {40 << 10, 300 << 10},
		{most, 1 << 20}, {most, 2*most - 1}, {most, 2 * most}, {most, 2*most + 1}, {most, 5 * most},
	} {
		all := make([]byte, c.size)
		for i := range all {
			all[i] = byte(i % 251)
		}
		readers := []io.Reader{bytes.NewReader(all), iotest.HalfReader(bytes.NewReader(all))}
		if c.size < 1<<10 {
			readers = append(readers, iotest.OneByteReader(bytes.NewReader(all)), iotest.DataErrReader(bytes.NewReader(all)))
		}
		for i, r := range readers {
			tail, size, err := lastBytes(r, c.n)
			if err != nil || size != int64(c.size) || !bytes.Equal(tail, all[max(c.size-c.n, 0):]) {
				t.Errorf("the last %d of %d bytes, reader %d: %d bytes of %d, %v", c.n, c.size, i, len(tail), size, err)
			}
		}
	}
}
