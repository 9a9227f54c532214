package natsbus

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// discovery answers PING, INFO and STATS as every NATS micro service does (the decision record on micro says why the
// library does not do it for us).
func (s *Server) discovery() error {
	for verb, answer := range map[micro.Verb]func() any{
		micro.PingVerb:  func() any { return s.ping() },
		micro.InfoVerb:  func() any { return s.info() },
		micro.StatsVerb: func() any { return s.Stats() },
	} {
		for _, of := range [][2]string{{}, {s.service.Name}, {s.service.Name, s.id}} {
			subject, err := micro.ControlSubject(verb, of[0], of[1])
			if err != nil {
				return err
			}
			sub, err := s.nc.Subscribe(subject, s.answerBy(answer))
			if err != nil {
				return fmt.Errorf("subscribe to %s: %w", subject, err)
			}
			s.control = append(s.control, sub)
		}
	}
	return nil
}

func (s *Server) answerBy(answer func() any) nats.MsgHandler {
	return func(m *nats.Msg) {
		if !isInbox(m.Reply) {
			return
		}
		body, err := json.Marshal(answer())
		_ = respond(s.nc, s.log, m.Reply, m.Subject, body, err) // it has logged what went wrong
	}
}

func (s *Server) identity() micro.ServiceIdentity {
	metadata := maps.Clone(s.service.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	return micro.ServiceIdentity{Name: s.service.Name, ID: s.id, Version: s.service.Version, Metadata: metadata}
}

func (s *Server) ping() micro.Ping {
	return micro.Ping{ServiceIdentity: s.identity(), Type: micro.PingResponseType}
}

func (s *Server) info() micro.Info {
	info := micro.Info{
		ServiceIdentity: s.identity(), Type: micro.InfoResponseType, Description: s.service.Description,
		Endpoints: []micro.EndpointInfo{},
	}
	for _, e := range s.endpoints {
		info.Endpoints = append(info.Endpoints, micro.EndpointInfo{
			Name: e.Name, Subject: e.Subject, QueueGroup: s.service.Name, Metadata: e.Metadata,
		})
	}
	return info
}

// Stats are the figures of the service as `nats micro stats` shows them.
func (s *Server) Stats() micro.Stats {
	stats := micro.Stats{ServiceIdentity: s.identity(), Type: micro.StatsResponseType, Started: s.started}
	for _, e := range s.endpoints {
		stats.Endpoints = append(stats.Endpoints, e.report())
	}
	return stats
}
