// Package client is the Go SDK of Keeper's JSON API. It needs the standard library and
// package api alone.
//
//	c, err := client.New("https://keeper.example.com", token)
//	secret, err := c.CreateSecret(ctx, api.NewSecret{
//		Name: "payments/stripe/api-key", SecretType: "API_KEY", Value: api.NewValue(key),
//		EnvironmentID: api.EnvironmentNamed("production"),
//	})
//
// An error that the server answered is an *api.Problem:
//
//	var problem *api.Problem
//	if errors.As(err, &problem) && problem.Kind() == "stale" { … }
package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
)

// Client calls one Keeper server with one token. It is safe for concurrent use, and prints
// no token.
type Client struct {
	base  *url.URL
	token api.Value
	http  *http.Client
	agent string
	tries int
	sleep sleeper
}

// Option changes how a client works.
type Option func(*Client)

// WithHTTPClient sends requests through h: its transport, time-out and cookies. What it says
// of redirects does not count: a request never follows one to another host.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) { c.http = h }
}

// WithUserAgent says what program calls.
func WithUserAgent(agent string) Option {
	return func(c *Client) { c.agent = agent }
}

// WithTries bounds how often a call is sent that the server throttles or cannot serve now;
// 1 is no retry. A POST is sent with an Idempotency-Key of its own, so that the server carries it
// out once; with 1 it has none. A PATCH is sent once.
func WithTries(n int) Option {
	return func(c *Client) { c.tries = max(n, 1) }
}

// New makes a client of the server at an address such as https://keeper.example.com.
func New(address, token string, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(address, "/"))
	switch {
	case err != nil, base.Host == "", base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("the server's address must be a URL that begins with https:// or http://")
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, errors.New("the server's address must hold no user name, query or fragment")
	case token == "":
		return nil, errors.New("an API token is needed; make one on the page Tokens, or with: keeper tokens create")
	}
	c := &Client{
		base: base, token: api.NewValue(token), http: &http.Client{Timeout: time.Minute},
		agent: "keeper-client", tries: 4, sleep: sleep,
	}
	for _, option := range options {
		option(c)
	}
	guarded := *c.http
	guarded.CheckRedirect = sameHost
	c.http = &guarded
	return c, nil
}

// sameHost follows redirects of reads within the server alone, so that neither the token
// nor a body ever goes to another place.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme:
		return errors.New("the server redirects to another place; give that address instead, if you trust it")
	case first.Method != http.MethodGet || len(via) > 5:
		return errors.New("the server redirects; give the address that it redirects to")
	}
	return nil
}
