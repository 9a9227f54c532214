package kit

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// NodeClient is the NATS client for Node.js that tests run with, pinned. .ci/run installs the same.
const NodeClient = "3.4.0"

// NodeFolder is a folder in which a program for Node.js finds @nats-io/transport-node: that of $KAPIVARA_NODE where it is
// there, else it is installed by npm. The test is skipped, with the reason, where Node.js or the package is missing.
func NodeFolder(t testing.TB) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	dir := t.TempDir()
	if installed := os.Getenv("KAPIVARA_NODE"); installed != "" && nodeClient(installed) == NodeClient {
		if err := os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir,
		"@nats-io/transport-node@"+NodeClient)
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("@nats-io/transport-node cannot be installed here: %v\n%s", err, out)
	}
	return dir
}

// nodeClient is the version of the client that is installed in the folder, "" where there is none.
func nodeClient(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "@nats-io", "transport-node", "package.json"))
	var about struct{ Version string }
	if err != nil || json.Unmarshal(text, &about) != nil {
		return ""
	}
	return about.Version
}
