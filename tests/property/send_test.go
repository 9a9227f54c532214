package property

import (
	"log/slog"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// answer is what an append was answered.
type answer struct {
	*kapivara.AppendResult
	err error
}

func startWriter(t testing.TB, log writer.Log, lookup writer.Lookup) *writer.Writer {
	t.Helper()
	w := writer.New(log, lookup, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

func begin(w *writer.Writer, a *kapivara.Append) <-chan answer {
	c := make(chan answer, 1)
	w.Append("loans", a, func(r *kapivara.AppendResult, err error) { c <- answer{r, err} })
	return c
}

// send is an append as the write service takes it: checked, then stored.
func send(w *writer.Writer, a *kapivara.Append) answer {
	if err := a.Check(); err != nil {
		return answer{nil, err}
	}
	return <-begin(w, a)
}
