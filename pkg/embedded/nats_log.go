package embedded

import (
	"fmt"
	"log/slog"
	"strings"
)

// natsLog gives the server's warnings and errors to our log, and keeps the reason of a failed start.
type natsLog struct {
	log   *slog.Logger
	fatal chan string // has room for one
}

func newNATSLog(log *slog.Logger) *natsLog {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &natsLog{log: log, fatal: make(chan string, 1)}
}

// Warnf logs a warning of the server. That passwords are not hashed is no news to anybody: those of this server are drawn
// at each start and known to this process alone, or come from its environment.
func (l *natsLog) Warnf(format string, v ...any) {
	if strings.HasPrefix(format, "Plaintext passwords detected") {
		return
	}
	l.log.Warn("nats server", "says", fmt.Sprintf(format, v...))
}

// Errorf logs an error of the server, a client's wrong doings included.
func (l *natsLog) Errorf(format string, v ...any) {
	l.log.Error("nats server", "says", fmt.Sprintf(format, v...))
}

// Fatalf keeps why the server cannot go on; its own logger would end the process.
func (l *natsLog) Fatalf(format string, v ...any) {
	l.Errorf(format, v...)
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

// Noticef drops what a healthy server says.
func (l *natsLog) Noticef(string, ...any) {}

// Debugf drops debugging.
func (l *natsLog) Debugf(string, ...any) {}

// Tracef drops traces, which hold payloads.
func (l *natsLog) Tracef(string, ...any) {}
