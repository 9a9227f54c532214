package app_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"kapivara/pkg/app"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

func TestSmoke(t *testing.T) {
	url := kit.Postgres(t)
	pool, err := postgres.Open(t.Context(), url, postgres.RoleWriter, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	log := postgres.NewLog(pool, true)
	defer log.Close()
	w := writer.New(app.StoreLog(log), log, nil, func(n writer.Notice) { fmt.Println("stored", n.Head, len(n.Events)) }, writer.Config{}, kit.Logger(t))
	_ = w.Start(t.Context())
	defer w.Stop()
	type answer struct {
		r   *kapivara.AppendResult
		err error
	}
	send := func(a *kapivara.Append) answer {
		c := make(chan answer, 1)
		w.Append("p", a, func(r *kapivara.AppendResult, err error) { c <- answer{r, err} })
		x := <-c
		fmt.Printf("%+v %v\n", x.r, x.err)
		return x
	}
	id := kapivara.EventID(uuid.NewString())
	mk := func(id kapivara.EventID, final bool) *kapivara.Append {
		return &kapivara.Append{Stream: "a/b/c/1", Events: []kapivara.NewEvent{{ID: id, Type: "t", Final: final, Kind: kapivara.JSONData, Data: []byte(`{}`)}}}
	}
	send(mk(id, false))
	send(mk(id, false))
	send(mk(kapivara.EventID(uuid.NewString()), false))
	send(mk("text-id-of-15-b", false))
	send(mk("text-id-of-15-b", false))
	send(mk("text-id-of-15-b", true))
	a := mk("z", false)
	a.Expect = kapivara.ExpectVersion(1)
	send(a)
	send(mk("last", true))
	send(mk("toolate", true))
}
