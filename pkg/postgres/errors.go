package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"kapivara/pkg/kapivara"
)

// What the schema's own functions raise.
const (
	stateMoved     = "KV001" // the log is not where the transaction expected it
	stateBadLog    = "KV002" // log positions that are not the next ones
	stateNoRun     = "KV005" // the run of the dispatcher has ended
	stateNoDuty    = "KV007" // a duty is another dispatcher's
	stateNoMatch   = "KV006" // a row is not as it was expected
	stateUnique    = "23505"
	stateUndefined = "42P01" // a table that is not there
	stateNoSchema  = "3F000"
)

// sqlState is the SQLSTATE of a server's error, "" for any other error.
func sqlState(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

// translate turns an error of the driver into the refusal that callers know. committing tells that a COMMIT may have
// reached the server: then a lost connection leaves the outcome unknown. What has no code of ours passes as it is.
func translate(err error, committing bool) error {
	var refusal *kapivara.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return err
	case !outOfReach(err):
		return err
	case committing:
		return outcomeUnknown()
	default:
		return kapivara.Refuse(kapivara.Unavailable, "the store is out of reach and nothing was stored; send the same request again")
	}
}

func outcomeUnknown() error {
	return kapivara.Refuse(kapivara.OutcomeUnknown,
		"the connection to the store was lost during the commit; send the same request again, with the same ids")
}

// outOfReach tells whether the server could not be asked, or has gone away, or has no room: SQLSTATE classes 08
// (connection), 53 (resources) and 57P (shut down), and every error of the network.
func outOfReach(err error) bool {
	if state := sqlState(err); state != "" {
		return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "57P") ||
			state == "25P03" || state == "57014" || state == "55P03"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}
