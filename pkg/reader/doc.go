// Package reader is the use case of reading: it holds requests to their bounds, keeps pages and work bounded, lets
// followers wait for what is not stored yet, and says where a stream stands and why.
//
// ports.go says what it needs of a store; events.go and deliveries.go answer; follow.go waits; explain.go gives reasons.
package reader
