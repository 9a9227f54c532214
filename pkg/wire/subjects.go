package wire

import (
	"strconv"
	"strings"

	"kapivara/pkg/kapivara"
)

// Prefix begins every subject of protocol version 1.
const Prefix = "kapivara.v1."

// InternalCommitted carries a note of every commit between the services (see Committed). Nobody else may publish there.
const InternalCommitted = Prefix + "internal.committed"

// OffDutyHeader marks the answer of a dispatcher to which a request was forwarded for a subscriber that it has no more.
const OffDutyHeader = "Kapivara-Off-Duty"

// InternalDispatcher carries a request for a subscriber to the dispatcher that works for it, by the number of its run. *
// stands for all verbs or subscribers. Nobody but dispatchers may publish there.
func InternalDispatcher(run int32, verb, subscriber string) string {
	return Prefix + "internal.dispatcher." + strconv.Itoa(int(run)) + "." + verb + "." + subscriber
}

// SettleAll fits the reply subject of every delivery.
const SettleAll = Prefix + "settle.*.*"

// Append is the subject of a publisher's appends.
func Append(publisher string) string { return Prefix + "append." + publisher }

// AppendMany is the subject of a publisher's appends to several streams.
func AppendMany(publisher string) string { return Prefix + "append-many." + publisher }

// Read is the subject of a read; last is a context, _ for all contexts, or a subscriber.
func Read(verb, last string) string { return Prefix + "read." + verb + "." + last }

// Registry is the subject of a registry request. A list has no name.
func Registry(kind, verb string, name ...string) string {
	return Prefix + strings.Join(append([]string{"registry", kind, verb}, name...), ".")
}

// BucketSubject is where the deliveries of a bucket go that nobody has claimed.
func BucketSubject(subscriber string, bucket kapivara.Bucket) string {
	return Prefix + "bucket." + subscriber + "." + bucket.String()
}

// BucketNodeSubject is where the deliveries of a bucket go that the node has claimed.
func BucketNodeSubject(subscriber string, bucket kapivara.Bucket, node string) string {
	return BucketSubject(subscriber, bucket) + "." + node
}

// SettleRequest is the subject of an answer with its token in the body.
func SettleRequest(subscriber string) string { return Prefix + "settle." + subscriber }

// SettleSubject is the reply subject of one attempt; the token is its last part.
func SettleSubject(subscriber, token string) string {
	return Prefix + "settle." + subscriber + "." + token
}

// ParseSettle takes a subject of SettleSubject apart.
func ParseSettle(subject string) (subscriber, token string, ok bool) {
	rest, ok := strings.CutPrefix(subject, Prefix+"settle.")
	if !ok {
		return "", "", false
	}
	subscriber, token, ok = strings.Cut(rest, ".")
	if !ok || !kapivara.IsToken(subscriber) || token == "" || strings.ContainsAny(token, ".*> \t\r\n\x00") {
		return "", "", false
	}
	return subscriber, token, true
}

// Claim is the subject on which a node claims buckets.
func Claim(subscriber string) string { return Prefix + "claim." + subscriber }

// Release is the subject on which a node gives buckets back.
func Release(subscriber string) string { return Prefix + "release." + subscriber }

// Next is the subject of a pull.
func Next(subscriber string) string { return Prefix + "next." + subscriber }

// Operate is the subject of an operator's verb on deliveries: hide, park, retry, discard or replay.
func Operate(verb, subscriber string) string { return Prefix + "delivery." + verb + "." + subscriber }

// WatchLog is where new events of a stream are shown after their commit.
func WatchLog(stream kapivara.Stream) string {
	return Prefix + "watch.log." + stream.Context() + "." + stream.System() + "." + stream.Type()
}

// WatchBucket is where every sending and every answer of a bucket is shown.
func WatchBucket(subscriber string, bucket kapivara.Bucket) string {
	return Prefix + "watch.bucket." + subscriber + "." + bucket.String()
}

// WatchParked is where every parking of a subscriber is shown.
func WatchParked(subscriber string) string { return Prefix + "watch.parked." + subscriber }

// Tokens are the parts of a subject behind Prefix; nil where it does not begin with it.
func Tokens(subject string) []string {
	rest, ok := strings.CutPrefix(subject, Prefix)
	if !ok {
		return nil
	}
	return strings.Split(rest, ".")
}
