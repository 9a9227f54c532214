// Package wire is what travels: the subjects, the JSON of requests, replies, events and deliveries, and the error codes.
// The services and the SDK share it, so both sides read and write the same bytes.
//
// Read it in the order of a request: subjects.go says where it goes, limits.go how large it may be, scan.go and
// append.go take it apart, event.go, delivery.go and answer.go write what comes back, error.go what is refused.
//
// Every decoder here reads bytes of strangers: it allocates no more than the bytes it was given warrant, and answers
// what does not fit with an invalid_request or a too_large that names the field.
package wire
