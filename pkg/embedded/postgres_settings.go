//go:build unix

package embedded

import (
	"maps"
	"slices"
)

// settings of an embedded store. What durability rests on (fsync, full_page_writes, synchronous_commit) stays at the
// server's own default, on.
func settings() map[string]string {
	return map[string]string{
		"listen_addresses":        "", // the socket only
		"unix_socket_permissions": "0700",
		"max_connections":         "100",
		"shared_buffers":          "256MB",
		"max_wal_size":            "2GB",
		"checkpoint_timeout":      "10min",
		"random_page_cost":        "1.1",
		"jit":                     "off", // short statements: compiling them costs more than running them
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"logging_collector":       "off", // we keep the log short ourselves
		"log_line_prefix":         "%m [%p] %q%u@%d ",
		"log_checkpoints":         "off",
		// An error's detail and statement may hold a payload, which belongs in no log.
		"log_error_verbosity":     "terse",
		"log_min_error_statement": "panic",
	}
}

// serverArgs are the server's arguments: on the command line, so that they hold whatever stands in the cluster's files.
func serverArgs(dataDir, socketDir string, overrides map[string]string) []string {
	all := settings()
	maps.Copy(all, overrides)
	all["unix_socket_directories"] = socketDir
	all["port"] = socketPort
	args := []string{"-D", dataDir}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}
