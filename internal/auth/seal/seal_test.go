package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func mustKey(t interface{ Fatal(...any) }, raw []byte) *Key {
	k, err := newKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedOpensOnlyUnchangedWithSameKeyAndContext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := mustKey(t, random())
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		context := rapid.String().Draw(t, "context")
		sealed := k.Seal(plain, context)

		got, err := k.Open(sealed, context)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %x, %v; want %x", got, err, plain)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("the plain text is in what was sealed")
		}
		damaged := bytes.Clone(sealed)
		damaged[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		cut := sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")]
		for name, try := range map[string]func() ([]byte, error){
			"damaged":       func() ([]byte, error) { return k.Open(damaged, context) },
			"cut":           func() ([]byte, error) { return k.Open(cut, context) },
			"other context": func() ([]byte, error) { return k.Open(sealed, context+"x") },
			"other key":     func() ([]byte, error) { return mustKey(t, random()).Open(sealed, context) },
		} {
			if got, err := try(); !errors.Is(err, ErrOpen) || got != nil {
				t.Fatalf("%s: Open = %x, %v; want ErrOpen", name, got, err)
			}
		}
	})
}

// A value sealed by the first release must open for ever.
func TestFormatStays(t *testing.T) {
	t.Parallel()
	k := mustKey(t, bytes.Repeat([]byte{7}, keySize))
	old, err := hex.DecodeString("01731f1ab2fd6c9d06cee2be35f57cf625de49925068f0b7827a68909095c13f6b35de")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open(old, "credential/test"); err != nil || string(got) != "secret" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	a, b := k.Seal([]byte("secret"), "c"), k.Seal([]byte("secret"), "c")
	if bytes.Equal(a, b) {
		t.Fatal("two seals of one text are equal: the nonce is not random")
	}
	if a[0] != 1 || len(a) != 1+12+len("secret")+16 {
		t.Fatalf("format changed: version %d, %d bytes", a[0], len(a))
	}
}

func TestKeyNeverPrints(t *testing.T) {
	t.Parallel()
	k := mustKey(t, []byte("0123456789abcdef0123456789abcdef"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), log.String()} {
		if strings.Contains(s, "0123") || strings.Contains(s, "30 31") || !strings.Contains(s, "hidden") {
			t.Errorf("printed: %s", s)
		}
	}
}

func TestLoadOrCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 || st.Size() != keySize {
		t.Fatalf("key file: %v, %v", st, err)
	}
	second, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Open(first.Seal([]byte("s"), "c"), "c"); err != nil {
		t.Fatalf("the key changed between two loads: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSeveralProcessesAgreeOnOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	keys := make([]*Key, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			k, err := LoadOrCreate(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = k
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sealed := keys[0].Seal([]byte("s"), "c")
	for i, k := range keys {
		if _, err := k.Open(sealed, "c"); err != nil {
			t.Errorf("key %d differs: %v", i, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	write := func(size int, mode os.FileMode) func(string) error {
		return func(path string) error {
			if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
				return err
			}
			return os.Chmod(path, mode)
		}
	}
	for name, tt := range map[string]struct {
		make func(path string) error
		want string
	}{
		"readable by others": {write(keySize, 0o604), "chmod 600"},
		"readable by group":  {write(keySize, 0o640), "has mode 0640"},
		"short":              {write(keySize-1, 0o600), "31 bytes"},
		"long":               {write(keySize+9, 0o600), "41 bytes"},
		"empty":              {write(0, 0o600), "0 bytes"},
		"folder":             {func(p string) error { return os.Mkdir(p, 0o700) }, "regular file"},
		"no folder":          {func(p string) error { return os.Remove(filepath.Dir(p)) }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "master.key")
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			k, err := LoadOrCreate(path)
			if k != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("LoadOrCreate = %v, %v; want an error with %q", k, err, tt.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}
