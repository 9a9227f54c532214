package postgres_test

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// proxy stands between a writer and the server, and can hold or cut what goes through it.
type proxy struct {
	url      string // of the proxy, for whom the server's was
	requests sync.RWMutex
	replies  sync.RWMutex

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
	loops  sync.WaitGroup
}

func newProxy(t *testing.T, pgURL string) *proxy {
	t.Helper()
	u, err := url.Parse(pgURL)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "kapi-proxy-") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	socket := ".s.PGSQL." + query.Get("port")
	server := filepath.Join(query.Get("host"), socket)
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	query.Set("host", dir)
	u.RawQuery = query.Encode()
	p := &proxy{url: u.String()}
	p.loops.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.join(client, server)
		}
	})
	t.Cleanup(func() {
		listener.Close()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.cut()
		p.loops.Wait()
		os.RemoveAll(dir)
	})
	return p
}

func (p *proxy) join(client net.Conn, path string) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), "unix", path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || p.closed {
		client.Close()
		return
	}
	p.conns = append(p.conns, client, server)
	p.loops.Go(func() { pass(server, client, &p.requests) })
	p.loops.Go(func() { pass(client, server, &p.replies) })
}

// pass copies as long as nobody holds the gate, and ends both connections when one ends.
func pass(to, from net.Conn, gate *sync.RWMutex) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			gate.RLock()
			_, writeErr := to.Write(buf[:n])
			gate.RUnlock()
			if writeErr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends every connection there is. New ones can be made.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
