package kit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/embedded"
	"kapivara/pkg/postgres"
)

const templateName = "kapivara_template"

// template is the migrated database that each test's is a copy of.
var template struct {
	once sync.Once
	err  error
}

// Postgres gives the test a database of its own with the whole schema, and the connection string of its superuser. The
// services' roles may connect as well: embedded trusts whoever reaches the socket. The database is dropped when the
// test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	template.once.Do(func() { template.err = makeTemplate() })
	if template.err != nil {
		t.Fatalf("kit: template: %v", template.err)
	}
	return newDatabase(t, templateName)
}

func makeTemplate() error {
	pg, err := sharedCluster()
	if err != nil {
		return err
	}
	if err := onCluster(pg, "create database "+templateName); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := postgres.Migrate(ctx, pg.URL(embedded.Owner, templateName)); err != nil {
		return err
	}
	return awaitFree(ctx, pg)
}

// awaitFree waits until the migration's connections have left, since a database in use cannot be copied.
func awaitFree(ctx context.Context, pg *embedded.Postgres) error {
	for {
		err := onCluster(pg, "do $$ begin if exists (select from pg_stat_activity where datname = '"+templateName+
			"' and backend_type = 'client backend') then raise exception 'in use'; end if; end $$")
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(err, fmt.Errorf("%s is still in use: %w", templateName, ctx.Err()))
		}
	}
}
