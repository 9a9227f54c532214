package kapivara

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Token names one attempt of one delivery to whoever was sent it. It is signed, not stored: any dispatcher with the
// store's key reads it, and sending the same attempt again makes the same token.
type Token struct {
	Bucket  int32 // the store's number of the bucket
	Number  int64
	Attempt int
	Claim   int64 // the epoch of the bucket's claim, 0 where nobody has claimed it
}

const (
	tokenForm1  = 1 // the first byte: how the rest is laid out
	tokenMAC    = 8 // bytes
	maxTokenLen = 64
)

// Sign gives the token's text: base64url, no dots, so that it is one token of a subject.
func (t Token) Sign(key []byte) string {
	raw := t.append(make([]byte, 0, maxTokenLen))
	return base64.RawURLEncoding.EncodeToString(append(raw, tokenSum(key, raw)...))
}

func (t Token) append(dst []byte) []byte {
	dst = append(dst, tokenForm1)
	dst = binary.AppendUvarint(dst, uint64(uint32(t.Bucket)))
	dst = binary.AppendUvarint(dst, uint64(t.Number))
	dst = binary.AppendUvarint(dst, uint64(uint32(t.Attempt)))
	return binary.AppendUvarint(dst, uint64(t.Claim))
}

// ParseToken reads a token's text; ok is false for any text that was not signed with the key.
func ParseToken(key []byte, text string) (t Token, ok bool) {
	if len(text) > maxTokenLen {
		return Token{}, false
	}
	var room [maxTokenLen]byte
	n, err := base64.RawURLEncoding.Decode(room[:], []byte(text))
	if err != nil || n < 1+tokenMAC || room[0] != tokenForm1 {
		return Token{}, false
	}
	if base64.RawURLEncoding.EncodeToString(room[:n]) != text { // one attempt has one token: no line ends, no spare bits
		return Token{}, false
	}
	raw, sum := room[:n-tokenMAC], room[n-tokenMAC:n]
	if !hmac.Equal(sum, tokenSum(key, raw)) {
		return Token{}, false
	}
	return parseToken(raw[1:])
}

func parseToken(raw []byte) (t Token, ok bool) {
	var field [4]uint64
	for i := range field {
		v, n := binary.Uvarint(raw)
		if n <= 0 {
			return Token{}, false
		}
		field[i], raw = v, raw[n:]
	}
	t = Token{
		Bucket: int32(uint32(field[0])), Number: int64(field[1]), Attempt: int(uint32(field[2])), Claim: int64(field[3]),
	}
	return t, len(raw) == 0
}

// tokenSum is the first half of an HMAC-SHA256's first half: 64 bits, more than can be tried over a network.
func tokenSum(key, raw []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("kapivara delivery token\x00"))
	h.Write(raw)
	return h.Sum(nil)[:tokenMAC]
}
