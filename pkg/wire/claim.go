package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
)

// DefaultClaimTTL is the ttl of a claim that names none.
const DefaultClaimTTL = 10 * time.Second

// DecodeClaim reads a claim request: {"node","count" or "buckets","ttl"}. A refusal names the field.
func DecodeClaim(body []byte) (r kapivara.ClaimRequest, err error) {
	var m struct {
		Node    *string  `json:"node"`
		Count   *int     `json:"count"`
		Buckets []string `json:"buckets"`
		TTL     *string  `json:"ttl"`
	}
	if err := DecodeStrict(body, &m); err != nil {
		return r, err
	}
	if m.Count != nil && *m.Count < 1 {
		return r, kapivara.Invalid("count", "count is 1 to %d", 2*kapivara.MaxBuckets)
	}
	r = kapivara.ClaimRequest{Node: or(m.Node, ""), Count: or(m.Count, 0), TTL: DefaultClaimTTL}
	if m.TTL != nil {
		if r.TTL, err = kapivara.ParseDuration("ttl", *m.TTL); err != nil {
			return r, err
		}
	}
	if r.Buckets, err = claimBuckets(m.Node, m.Buckets); err != nil {
		return r, err
	}
	return r, r.Check()
}

// DecodeRelease reads a release request: {"node","buckets"?}.
func DecodeRelease(body []byte) (r kapivara.ReleaseRequest, err error) {
	var m struct {
		Node    *string  `json:"node"`
		Buckets []string `json:"buckets"`
	}
	if err := DecodeStrict(body, &m); err != nil {
		return r, err
	}
	r.Node = or(m.Node, "")
	if r.Buckets, err = claimBuckets(m.Node, m.Buckets); err != nil {
		return r, err
	}
	return r, r.Check()
}

// claimBuckets reads the names of buckets, each once. That the node is missing is said first.
func claimBuckets(node *string, names []string) ([]kapivara.Bucket, error) {
	if node == nil {
		return nil, kapivara.Invalid("node", "the node is missing: a name of its own for each run of a process, one subject token")
	}
	if names == nil {
		return nil, nil
	}
	buckets := make([]kapivara.Bucket, len(names))
	seen := make(map[kapivara.Bucket]bool, len(names))
	for i, name := range names {
		path := "buckets[" + strconv.Itoa(i) + "]"
		bucket, err := kapivara.ParseBucket(path, name)
		if err != nil {
			return nil, err
		}
		if seen[bucket] {
			return nil, kapivara.Invalid(path, "bucket %s stands twice", bucket)
		}
		buckets[i], seen[bucket] = bucket, true
	}
	return buckets, nil
}

// EncodeClaim writes a claim request.
func EncodeClaim(r *kapivara.ClaimRequest) []byte {
	dst := append([]byte(nil), `{"node":`...)
	dst = appendString(dst, r.Node)
	if r.Count > 0 {
		dst = append(dst, `,"count":`...)
		dst = strconv.AppendInt(dst, int64(r.Count), 10)
	}
	dst = appendClaimBuckets(dst, r.Buckets)
	dst = append(dst, `,"ttl":`...)
	dst = appendString(dst, kapivara.FormatDuration(r.TTL))
	return append(dst, '}')
}

// EncodeRelease writes a release request.
func EncodeRelease(r *kapivara.ReleaseRequest) []byte {
	dst := append([]byte(nil), `{"node":`...)
	dst = appendString(dst, r.Node)
	return append(appendClaimBuckets(dst, r.Buckets), '}')
}

func appendClaimBuckets(dst []byte, buckets []kapivara.Bucket) []byte {
	if buckets == nil {
		return dst
	}
	names := make([]string, len(buckets))
	for i, b := range buckets {
		names[i] = b.String()
	}
	return appendStrings(append(dst, `,"buckets":`...), names)
}

// AppendClaimed writes the answer to a claim or a release: the buckets that the node then has.
func AppendClaimed(dst []byte, claimed []kapivara.Claimed) []byte {
	dst = append(dst, `{"buckets":[`...)
	for i, c := range claimed {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"bucket":`...)
		dst = appendString(dst, c.Bucket.String())
		dst = append(dst, `,"epoch":`...)
		dst = append(strconv.AppendInt(dst, c.Epoch, 10), '}')
	}
	return append(dst, ']', '}')
}

// DecodeClaimed reads what AppendClaimed writes.
func DecodeClaimed(body []byte) ([]kapivara.Claimed, error) {
	var m struct {
		Buckets *[]struct {
			Bucket string `json:"bucket"`
			Epoch  int64  `json:"epoch"`
		} `json:"buckets"`
	}
	broken := kapivara.Refuse(kapivara.Internal, "the answer to the claim is no JSON of Kapivara")
	if err := json.Unmarshal(body, &m); err != nil || m.Buckets == nil {
		return nil, broken
	}
	claimed := make([]kapivara.Claimed, len(*m.Buckets))
	for i, b := range *m.Buckets {
		bucket, err := kapivara.ParseBucket("", b.Bucket)
		if err != nil {
			return nil, broken
		}
		claimed[i] = kapivara.Claimed{Bucket: bucket, Epoch: b.Epoch}
	}
	return claimed, nil
}
