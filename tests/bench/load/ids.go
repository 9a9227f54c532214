// Package load makes the load of Kapivara's cells as cheaply as it can: bodies that are encoded once and patched in place,
// one connection, one goroutine that sends what the answer before it has made room for.
package load

import (
	"math/rand/v2"
	"time"
)

// idLen is the length of a UUID as text.
const idLen = 36

// ids are UUIDs of version 7, written in place. Two with one seed and the same times are alike.
type ids struct{ random *rand.Rand }

// put writes the next id of a time to dst, which has idLen bytes. Those of one millisecond are in no order.
func (g *ids) put(dst []byte, now time.Time) {
	ms, random, more := uint64(now.UnixMilli()), g.random.Uint64(), g.random.Uint32() //nolint:gosec // after 1970
	high := ms<<16 | 7<<12 | uint64(more)&0xfff
	low := random&^(3<<62) | 2<<62
	hexOf(dst[0:8], high>>32)
	dst[8] = '-'
	hexOf(dst[9:13], high>>16)
	dst[13] = '-'
	hexOf(dst[14:18], high)
	dst[18] = '-'
	hexOf(dst[19:23], low>>48)
	dst[23] = '-'
	hexOf(dst[24:36], low)
}

// hexOf writes the last digits of v.
func hexOf(dst []byte, v uint64) {
	const digits = "0123456789abcdef"
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[v&15]
		v >>= 4
	}
}
