// Package client is the SDK of Kapivara: it appends events, reads them, and works off the streams that a subscriber is
// sent. It is a user of the wire protocol like any other and needs nothing but a NATS connection.
//
// Read it in the order of the data: connect.go, append.go, stream.go, log.go, follow.go, subscribe.go. A *Client and all
// that it gives may be used by any number of goroutines.
//
// A refusal is an *Error (see errors.go for the questions to ask it). Every append may be sent again with the same ids as
// often as you like; Retry does it.
package client
