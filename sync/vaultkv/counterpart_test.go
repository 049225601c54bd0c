package vaultkv_test

import (
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/drivertest"
	"github.com/your-org/keeper/sync/vaultkv"
)

// counterpart is a part of a running Vault, with a stranger's client on it. Between the
// driver and Vault stands a front that spoils calls.
type counterpart struct {
	t        *testing.T
	options  vaultkv.Options
	driver   *vaultkv.Driver
	front    *front
	stranger *api.Logical
}

// vault is a running server, and the token of somebody who may do anything there.
type vault struct{ url, token, mount string }

// start gives each test a prefix of its own on one server.
func start(t *testing.T, v vault, signIn func(*vaultkv.Options)) *counterpart {
	t.Helper()
	c := &counterpart{t: t, front: newFront(v.url, v.mount)}
	server := httptest.NewServer(c.front)
	t.Cleanup(server.Close)
	c.options = vaultkv.Options{
		Address: server.URL, Mount: v.mount, Prefix: "keeper/" + models.NewID("t") + "/",
		Token: models.NewPlaintext([]byte(v.token)),
	}
	if signIn != nil {
		c.options.Token = models.Plaintext{}
		signIn(&c.options)
	}
	var err error
	c.driver, err = vaultkv.New(c.options)
	c.must(err)
	client, err := api.NewClient(&api.Config{Address: v.url})
	c.must(err)
	client.SetToken(v.token)
	c.stranger = client.Logical()
	return c
}

func (c *counterpart) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counterpart) Driver() keepersync.Driver { return c.driver }
func (c *counterpart) Prefix() string            { return c.options.Prefix }
func (c *counterpart) path(area, name string) string {
	return c.options.Mount + "/" + area + "/" + name
}

func (c *counterpart) Unreachable() keepersync.Driver {
	return c.At(drivertest.DeadEnd(c.t))
}

func (c *counterpart) At(url string) keepersync.Driver {
	o := c.options
	o.Address = url
	d, err := vaultkv.New(o)
	c.must(err)
	return d
}

func (c *counterpart) Read(name string) ([]byte, bool) {
	c.t.Helper()
	s, err := c.stranger.Read(c.path("data", name))
	c.must(err)
	if s == nil {
		return nil, false
	}
	data, _ := s.Data["data"].(map[string]any)
	if text, ok := data["value_base64"].(string); ok {
		value, err := base64.StdEncoding.DecodeString(text)
		c.must(err)
		return value, true
	}
	text, ok := data["value"].(string)
	return []byte(text), ok
}

func (c *counterpart) metadata(name string) map[string]any {
	c.t.Helper()
	s, err := c.stranger.Read(c.path("metadata", name))
	c.must(err)
	if s == nil {
		return nil
	}
	return s.Data
}

func (c *counterpart) Versions(name string) int {
	c.t.Helper()
	n, _ := c.metadata(name)["current_version"].(interface{ Int64() (int64, error) })
	if n == nil {
		return 0
	}
	i, err := n.Int64()
	c.must(err)
	return int(i)
}

func (c *counterpart) Labels(name string) map[string]string {
	c.t.Helper()
	labels := map[string]string{}
	custom, _ := c.metadata(name)["custom_metadata"].(map[string]any)
	for key, value := range custom {
		if !strings.HasPrefix(key, "keeper_") {
			labels[key], _ = value.(string)
		}
	}
	return labels
}

func (c *counterpart) Edit(name string, value []byte) {
	c.t.Helper()
	c.editEntry(name, map[string]any{"value": string(value)})
}

func (c *counterpart) editEntry(name string, entry map[string]any) {
	c.t.Helper()
	body := map[string]any{"data": entry, "options": map[string]any{"cas": c.Versions(name)}}
	_, err := c.stranger.Write(c.path("data", name), body)
	c.must(err)
}

func (c *counterpart) Label(name, key, value string) {
	c.t.Helper()
	_, err := c.stranger.JSONMergePatch(c.t.Context(), c.path("metadata", name), map[string]any{"custom_metadata": map[string]any{key: value}})
	c.must(err)
}

func (c *counterpart) Purge(name string) {
	c.t.Helper()
	_, err := c.stranger.Delete(c.path("metadata", name))
	c.must(err)
}

func (c *counterpart) Mend()                     { c.front.clear() }
func (c *counterpart) Lose(op drivertest.Op)     { c.front.spoil(rule{op: op, lose: true}) }
func (c *counterpart) Throttle(op drivertest.Op) { c.front.spoil(rule{op: op, status: 429}) }
func (c *counterpart) Break(op drivertest.Op)    { c.front.spoil(rule{op: op, status: 500}) }
func (c *counterpart) CutListing(int) {
	c.front.spoil(rule{op: drivertest.OpDescribe, name: c.Prefix() + "n150", status: 500})
}

func (c *counterpart) Deny(op drivertest.Op, name string) string {
	c.front.spoil(rule{op: op, name: name, status: 403})
	w := wanted[op]
	return w.capability + " on " + c.path(w.area, c.Prefix())
}
