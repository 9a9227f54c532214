// Package natsconf holds the configurations of NATS servers that Kapivara works with: accounts, permissions, limits.
package natsconf

import "embed"

// Files are the configurations by name: single.conf for a server of its own, embedded.conf for the one in process.
//
//go:embed *.conf
var Files embed.FS
