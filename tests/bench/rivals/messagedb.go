package rivals

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

// messageDBFiles are those of its install.sh, in its order, without the views and the rights of its own role.
func messageDBFiles() []string {
	files := []string{"schema/message-store", "extensions/pgcrypto", "tables/messages", "types/message"}
	for _, name := range []string{
		"message-store-version", "hash-64", "acquire-lock", "category", "is-category", "id", "cardinal-id", "stream-version",
		"write-message", "get-stream-messages", "get-category-messages", "get-last-stream-message",
	} {
		files = append(files, "functions/"+name)
	}
	return append(files, "indexes/messages-id", "indexes/messages-stream", "indexes/messages-category")
}

// messageDB writes to message-db: each of so many connections writes streams of its own, in so many categories. It takes an
// advisory lock for the category of a stream, so that many categories are its best case.
func messageDB(conns, categories int) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		pool, err := newPool(ctx, s, conns, "message_store,public")
		if err != nil {
			return nil, err
		}
		if err := installMessageDB(ctx, s, pool); err != nil {
			return nil, err
		}
		data, streams := string(load.Data()), make([]stream, conns)
		write := func(ctx context.Context, worker int) error {
			id, _ := newEvent()
			own := streams[worker].next()
			var position int
			err := pool.QueryRow(ctx, "select write_message($1, $2, $3, $4)", id, fmt.Sprintf("order%d-%s", worker%categories, own.id),
				eventType, data).Scan(&position)
			if err == nil && position != own.version { // it counts from 0
				err = fmt.Errorf("message %d of a stream has position %d", own.version, position)
			}
			own.version++
			return err
		}
		r := rounds{stage: s, analyze: analyzing(pool), count: countOf(pool, "select count(*) from messages")}
		r.load = func(ctx context.Context, length time.Duration) (harness.Result, error) {
			return closedLoop(ctx, conns, length, write)
		}
		return r.start(ctx)
	}
}

func installMessageDB(ctx context.Context, s *harness.Stage, pool *pgxpool.Pool) error {
	npm := npmPackage{"@eventide/message-db", "1.3.1"}
	dir, err := npm.install(ctx, s)
	if err != nil {
		return err
	}
	for _, file := range messageDBFiles() {
		sql, err := os.ReadFile(filepath.Join(dir, "node_modules/@eventide/message-db/database", filepath.FromSlash(file)+".sql"))
		if err == nil {
			_, err = pool.Exec(ctx, string(sql))
		}
		if err != nil {
			return fmt.Errorf("install message-db: %s: %w", file, err)
		}
	}
	var version string
	if err := pool.QueryRow(ctx, "select message_store_version()").Scan(&version); err != nil {
		return fmt.Errorf("message-db's version: %w", err)
	}
	s.Version("message-db", fmt.Sprintf("%s (npm %s)", version, npm.version))
	return nil
}
