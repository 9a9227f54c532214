// Package reader is the use case of reading: it holds requests to their bounds, keeps pages and work bounded, lets
// followers wait for what is not stored yet, and says where a stream stands and why.
//
// ports.go says what it needs of a store; reader.go answers; follow.go waits; explain.go gives reasons.
package reader
