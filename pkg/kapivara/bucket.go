package kapivara

import (
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Hash is the xxHash64 (seed 0) of the whole name of the stream in UTF-8. It chooses the stream's bucket.
func (s Stream) Hash() uint64 { return xxhash.Sum64String(string(s)) }

// JumpHash maps a key to one of the buckets 0 to buckets-1 by the jump consistent hash of Lamping and Veach, "A Fast,
// Minimal Memory, Consistent Hash Algorithm" (2014). When buckets grows from n to m only (m-n)/m of the keys move.
func JumpHash(key uint64, buckets int) int {
	b, j := int64(-1), int64(0)
	for j < int64(buckets) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(b)
}

// Bucket is a place of a subscriber: 0, 1, 2 … for the normal ones, -1, -2, -3 … for canary-0, canary-1, canary-2 and so on.
type Bucket int

const canaryPrefix = "canary-"

// BucketOf is the bucket of a stream: canary streams take a canary bucket where there is any.
func BucketOf(hash uint64, canary bool, buckets, canaryBuckets int) Bucket {
	if canary && canaryBuckets > 0 {
		return Bucket(-1 - JumpHash(hash, canaryBuckets))
	}
	return Bucket(JumpHash(hash, buckets))
}

// Canary tells whether it is a canary bucket.
func (b Bucket) Canary() bool { return b < 0 }

// String is the name on the wire and in subjects: "3", "canary-0".
func (b Bucket) String() string {
	if b < 0 {
		return canaryPrefix + strconv.Itoa(int(-1-b))
	}
	return strconv.Itoa(int(b))
}

// ParseBucket reads a bucket's name, without leading zeros or signs.
func ParseBucket(path, s string) (Bucket, error) {
	digits, canary := strings.CutPrefix(s, canaryPrefix)
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || n >= MaxBuckets || strconv.Itoa(n) != digits {
		return 0, Invalid(path, "a bucket is 0 to %d or canary-0 to canary-%d, not %q", MaxBuckets-1, MaxBuckets-1, clip(s))
	}
	if canary {
		return Bucket(-1 - n), nil
	}
	return Bucket(n), nil
}
