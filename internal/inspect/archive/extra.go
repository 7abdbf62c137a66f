package archive

import (
	"fmt"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Extra fields that no tool takes a name, a size or a way of reading from.
var harmless = map[uint16]bool{
	0x5455: true, // extended timestamp: Info-ZIP, ditto
	0x5855: true, // Info-ZIP Unix, the first: times and owner
	0x7855: true, // Info-ZIP Unix, the second: owner
	0x7875: true, // Info-ZIP Unix, the third: owner
	0x000a: true, // NTFS: times
	0xcafe: true, // "this is a jar": java.util.jar
}

// Extra fields that change how an entry is read.
const (
	extraZip64       = 0x0001
	extraUnicodePath = 0x7075
	extraUnicodeNote = 0x6375
	extraAES         = 0x9901
)

// checkExtra looks at the extra fields of one header.
func checkExtra(h *header, b []byte, out *rule.Tally) {
	if f := faultyExtra(h.name, b); f != nil {
		_ = Charge(f, out) // a fault
	}
}

func faultyExtra(name string, b []byte) *Fault {
	for len(b) > 0 {
		if len(b) < 4 || len(b) < 4+int(le.Uint16(b[2:])) {
			return badExtra.fault(name, "which end too early")
		}
		switch id := le.Uint16(b); {
		case id == extraUnicodePath || id == extraUnicodeNote:
			return unicodeName.fault(name)
		case id == extraZip64:
			return zip64.fault(name)
		case id == extraAES || id >= 0x0014 && id <= 0x0019: // PKWARE's certificates and encryption
			return encrypted.fault(name)
		case !harmless[id]:
			return badExtra.fault(name, fmt.Sprintf("of the unknown kind 0x%04x", id))
		}
		b = b[4+int(le.Uint16(b[2:])):]
	}
	return nil
}
