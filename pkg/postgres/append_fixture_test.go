package postgres_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"kapivara/pkg/app"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
)

func stateOf(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

type appendAnswer struct {
	*kapivara.AppendResult
	err error
}

// testAppender is a writer on PostgreSQL. It stops with the test.
type testAppender struct{ *writer.Writer }

func appendWriter(t *testing.T, log *postgres.Log) testAppender {
	t.Helper()
	w := writer.New(app.StoreLog(log), log, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return testAppender{w}
}

func (w testAppender) begin(a *kapivara.Append) <-chan appendAnswer {
	c := make(chan appendAnswer, 1)
	w.Append("loans", a, func(r *kapivara.AppendResult, err error) { c <- appendAnswer{r, err} })
	return c
}

func (w testAppender) send(a *kapivara.Append) appendAnswer { return <-w.begin(a) }

func appendOf(stream string, ids ...string) *kapivara.Append {
	a := &kapivara.Append{Stream: kapivara.Stream("lending/loans/application/" + stream)}
	for _, id := range ids {
		a.Events = append(a.Events, kapivara.NewEvent{
			ID: kapivara.EventID(id), Type: "opened", Kind: kapivara.JSONData, Data: fmt.Appendf(nil, "%q", id),
		})
	}
	return a
}

// openDir is a fresh folder that the server's user may pass through.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kapi-") //nolint:usetesting // t.TempDir lies below a folder that is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
