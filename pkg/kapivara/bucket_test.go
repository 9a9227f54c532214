package kapivara

import (
	"fmt"
	"testing"
)

// Values of the paper's reference code, as other implementations publish them, and of xxHash64 with seed 0.
func TestTheHashesAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key     uint64
		buckets int
		want    int
	}{{1, 1, 0}, {42, 57, 43}, {0xDEAD10CC, 1, 0}, {0xDEAD10CC, 666, 361}, {256, 1024, 520}} {
		if got := JumpHash(c.key, c.buckets); got != c.want {
			t.Errorf("jump hash of %d over %d: %d, want %d", c.key, c.buckets, got, c.want)
		}
	}
	for text, want := range map[string]uint64{"": 0xef46db3751d8e999, "a": 0xd24ec4f1a98c6e5b, "abc": 0x44bc2cf5ad770999} {
		if got := Stream(text).Hash(); got != want {
			t.Errorf("xxHash64 of %q: %x, want %x", text, got, want)
		}
	}
}

// Growing from n to m buckets moves a key only to a new bucket.
func TestGrowingMovesOnlyToNewBuckets(t *testing.T) {
	t.Parallel()
	moved, keys := 0, 20_000
	for i := range keys {
		hash := Stream(fmt.Sprint("a/b/c/", i)).Hash()
		small, large := BucketOf(hash, false, 8, 0), BucketOf(hash, false, 12, 0)
		if small < 0 || small >= 8 || large < 0 || large >= 12 || large != small && large < 8 {
			t.Fatalf("key %d: bucket %s of 8, %s of 12", i, small, large)
		}
		if small != large {
			moved++
		}
	}
	if share := float64(moved) / float64(keys); share < 0.30 || share > 0.37 {
		t.Errorf("%.3f of the keys moved, want a third", share)
	}
}

func TestCanaryStreamsTakeCanaryBucketsWhereThereAreAny(t *testing.T) {
	t.Parallel()
	hash := Stream("a/b/c/d").Hash()
	if b := BucketOf(hash, true, 8, 4); !b.Canary() || int(-1-b) != JumpHash(hash, 4) {
		t.Errorf("canary: %s", b)
	}
	for _, b := range []Bucket{BucketOf(hash, true, 8, 0), BucketOf(hash, false, 8, 4)} {
		if b != Bucket(JumpHash(hash, 8)) {
			t.Errorf("normal: %s", b)
		}
	}
}

func TestBucketsHaveOneNameEach(t *testing.T) {
	t.Parallel()
	for b := Bucket(-MaxBuckets); b < MaxBuckets; b++ {
		if got, err := ParseBucket("bucket", b.String()); err != nil || got != b {
			t.Fatalf("%d is %q, read as %d, %v", b, b.String(), got, err)
		}
	}
	for _, bad := range []string{"", "-1", "+1", "01", "1024", "canary-1024", "canary-", "canary--1", "canary-01", "canary", "1 ", "٣", "0x1", "9999999999999999999"} {
		if got, err := ParseBucket("bucket", bad); code(err) != InvalidRequest {
			t.Errorf("%q: %v, %v; want invalid_request", bad, got, err)
		}
	}
}
