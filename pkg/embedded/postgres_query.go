//go:build unix

package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"
)

const (
	queryTimeout    = 30 * time.Second
	invalidCatalog  = "3D000" // no such database
	duplicateObject = "42P04" // the database is there already
)

// ensureDatabase makes the database where it is missing. It speaks the few words of PostgreSQL's protocol that this
// takes, so that the embedded server needs no driver and no psql.
func ensureDatabase(ctx context.Context, socketDir string) error {
	err := query(ctx, socketDir, Database, "")
	var failed *serverError
	if !errors.As(err, &failed) || failed.code != invalidCatalog {
		return err
	}
	err = query(ctx, socketDir, "postgres", "create database "+Database)
	if errors.As(err, &failed) && failed.code == duplicateObject {
		return nil
	}
	return err
}

// serverError is a refusal of the server.
type serverError struct{ code, message string }

func (e *serverError) Error() string { return e.message + " (SQLSTATE " + e.code + ")" }

// query connects as the owner and runs one statement without results; an empty one only connects.
func query(ctx context.Context, socketDir, database, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(socketDir, ".s.PGSQL."+socketPort))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	startup := binary.BigEndian.AppendUint32(nil, 3<<16) // protocol 3.0
	startup = append(startup, "user\x00"+Owner+"\x00database\x00"+database+"\x00\x00"...)
	in := bufio.NewReader(conn)
	if err := exchange(conn, in, 0, startup); err != nil || statement == "" {
		return err
	}
	return exchange(conn, in, 'Q', append([]byte(statement), 0))
}

// exchange sends one message and reads answers until the server is ready for the next.
func exchange(out io.Writer, in *bufio.Reader, kind byte, body []byte) error {
	var message []byte
	if kind != 0 {
		message = append(message, kind)
	}
	message = binary.BigEndian.AppendUint32(message, uint32(len(body)+4))
	if _, err := out.Write(append(message, body...)); err != nil {
		return err
	}
	var refusal error
	for {
		kind, body, err := readMessage(in)
		switch {
		case err != nil && refusal != nil:
			return refusal // a refused connection ends there
		case err != nil:
			return err
		case kind == 'E':
			refusal = parseRefusal(body)
		case kind == 'Z':
			return refusal
		}
	}
}

func readMessage(in *bufio.Reader) (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	size := int(binary.BigEndian.Uint32(head[1:])) - 4
	if size < 0 || size > 1<<20 {
		return 0, nil, errors.New("answer is not PostgreSQL's")
	}
	body := make([]byte, size)
	_, err := io.ReadFull(in, body)
	return head[0], body, err
}

func parseRefusal(body []byte) error {
	e := &serverError{}
	for _, field := range strings.Split(string(body), "\x00") {
		switch {
		case strings.HasPrefix(field, "C"):
			e.code = field[1:]
		case strings.HasPrefix(field, "M"):
			e.message = field[1:]
		}
	}
	return e
}
