package postgres

import (
	"encoding/hex"
	"strings"

	"kapivara/pkg/kapivara"
)

// uuidBytes is the length that only a UUID's key has.
const uuidBytes = 16

// idKey is an id as events.id holds it: the 16 bytes of a UUID, or 0x00 and the text. A text whose key would have 16
// bytes as well gets another 0x00; ids hold no control characters, so the two can't be mistaken for one another.
func idKey(id kapivara.EventID) []byte {
	if id.IsUUID() {
		key := make([]byte, 0, uuidBytes)
		key, err := hex.AppendDecode(key, []byte(strings.ReplaceAll(string(id), "-", "")))
		if err == nil {
			return key
		}
	}
	key := make([]byte, 0, len(id)+2)
	key = append(key, 0)
	key = append(key, id...)
	if len(key) == uuidBytes {
		key = append(key, 0)
	}
	return key
}

// idFromKey is the id of a key.
func idFromKey(key []byte) kapivara.EventID {
	if len(key) != uuidBytes {
		return kapivara.EventID(strings.Trim(string(key), "\x00"))
	}
	text := make([]byte, 0, 36)
	for i, part := range [...][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, key[part[0]:part[1]])
	}
	return kapivara.EventID(text)
}
