package floors

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

const (
	// EchoCommand is the first argument by which this program is the echo; the second is the NATS server's URL.
	EchoCommand = "echo"
	echoSubject = "floor.echo"
)

// startEcho starts the cell of one request after another to a process that sends each back as it came. The server has
// neither accounts nor users.
func startEcho(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
	url, err := s.NATSServer(ctx, "")
	if err != nil {
		return nil, err
	}
	echo, err := harness.Self(EchoCommand, url)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.Spawn(ctx, "echo", echo); err != nil {
		return nil, err
	}
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	s.Cleanup(func(context.Context) error { nc.Close(); return nil })
	r := harness.RunnerFunc(func(ctx context.Context, length time.Duration) (result harness.Result, err error) {
		body, began := load.NewWriter(1, load.Streams{Prefix: "bench/load/order/", Events: 1, Length: 1}).Next(0, time.Now()), time.Now()
		for now := began; now.Sub(began) < length; now = time.Now() {
			reply, err := nc.Request(echoSubject, body, time.Minute)
			if err != nil || len(reply.Data) != len(body) || ctx.Err() != nil {
				return result, fmt.Errorf("echo: %w, %w", err, ctx.Err())
			}
			result.Operations++
			result.Latencies = append(result.Latencies, time.Since(now))
		}
		result.Elapsed = time.Since(began)
		return result, nil
	})
	return r, warm(ctx, s, r)
}

// ServeEcho is the echo's process: it answers until it is interrupted.
func ServeEcho(url string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	nc, err := nats.Connect(url)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	defer nc.Close()
	_, err = nc.Subscribe(echoSubject, func(m *nats.Msg) { _ = m.Respond(m.Data) })
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	fmt.Println("echo ready", url)
	<-stop
	return nil
}
