package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kapivara/pkg/client"
)

// natsSettings is a context of the nats command, as far as it is used here.
type natsSettings struct {
	URL         string `json:"url"`
	Token       string `json:"token"`
	User        string `json:"user"`
	Password    string `json:"password"`
	Creds       string `json:"creds"`
	NKey        string `json:"nkey"`
	Cert        string `json:"cert"`
	Key         string `json:"key"`
	CA          string `json:"ca"`
	NSC         string `json:"nsc"`
	InboxPrefix string `json:"inbox_prefix"`
}

// natsContext gives the settings of the context that is named, or selected where no server is named, with what the flags
// say in their place.
func natsContext(flags connection) (natsSettings, error) {
	var s natsSettings
	dir, err := natsConfigDir()
	name := flags.Context
	if name == "" && flags.Server == "" && err == nil {
		selected, _ := os.ReadFile(filepath.Join(dir, "context.txt"))
		name = strings.TrimSpace(string(selected))
	}
	if name != "" {
		if err != nil {
			return s, err
		}
		if s, err = readNATSContext(dir, name); err != nil {
			return s, err
		}
	}
	if flags.Creds != "" || flags.Nkey != "" || flags.User != "" {
		s.Creds, s.NKey, s.User, s.Password, s.Token = "", "", "", "", ""
	}
	for _, o := range []struct {
		setting *string
		flag    string
	}{
		{&s.URL, flags.Server},
		{&s.User, flags.User},
		{&s.Password, flags.Password},
		{&s.Creds, flags.Creds},
		{&s.NKey, flags.Nkey},
		{&s.CA, flags.TLSCA},
		{&s.Cert, flags.TLSCert},
		{&s.Key, flags.TLSKey},
		{&s.InboxPrefix, flags.InboxPrefix},
	} {
		if o.flag != "" {
			*o.setting = o.flag
		}
	}
	if s.URL == "" {
		s.URL = client.DefaultURL
	}
	return s, nil
}

func natsConfigDir() (string, error) {
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "nats"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".config", "nats"), err
}

func readNATSContext(dir, name string) (natsSettings, error) {
	var s natsSettings
	if name != filepath.Base(name) {
		return s, fmt.Errorf("a nats context has no slash in its name: %q", name)
	}
	text, err := os.ReadFile(filepath.Join(dir, "context", name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("there is no nats context %q; nats context ls shows them", name)
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("nats context %q: %w", name, err)
	}
	if s.NSC != "" {
		return s, fmt.Errorf("nats context %q takes its user from nsc; give --creds instead", name)
	}
	return s, nil
}
