package vaultkv_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/vaultkv"
)

// TestKeepsItsConnection reads, writes and marks one after the other: one connection is enough, if
// every answer is read before its call ends.
func TestKeepsItsConnection(t *testing.T) {
	v := engine(t)
	target, err := url.Parse(v.url)
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	front.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	front.Start()
	defer front.Close()
	d, err := vaultkv.New(vaultkv.Options{Address: front.URL, Mount: v.mount, Token: models.NewPlaintext([]byte(v.token))})
	if err != nil {
		t.Fatal(err)
	}
	mark := keepersync.Mark{Owner: "o", Destination: "d", Secret: 1}
	for i := range 20 {
		w := keepersync.Write{Name: fmt.Sprintf("connections/%d", i), Value: models.NewPlaintext([]byte("v")), Mark: mark}
		if w.Replaces, err = d.Put(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Put(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if made.Load() > 3 {
		t.Errorf("%d connections were made, one after the other", made.Load())
	}
}

// TestTellsOfALostMark has somebody take the mark off between Keeper's look and its write, which
// Vault's check-and-set does not guard.
func TestTellsOfALostMark(t *testing.T) {
	v := engine(t)
	d := driver(t, vaultkv.Options{Address: v.url, Mount: v.mount, Token: models.NewPlaintext([]byte(v.token))})
	mark := keepersync.Mark{Owner: "o", Destination: "d", Secret: 1}
	seen, err := d.Put(t.Context(), keepersync.Write{Name: "lost", Value: models.NewPlaintext([]byte("v")), Mark: mark})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Unmark(t.Context(), "lost", mark); err != nil {
		t.Fatal(err)
	}
	stands, err := d.Put(t.Context(), keepersync.Write{Name: "lost", Value: models.NewPlaintext([]byte("w")), Replaces: seen, Mark: mark})
	if !fault.Is(err, fault.Conflict) || !stands.Exists() {
		t.Errorf("got %+v and %v, want what stands beside a conflict", stands, err)
	}
	if there, err := d.Describe(t.Context(), "lost"); err != nil || !there.Mark.Zero() {
		t.Errorf("got %+v and %v: the mark is back", there, err)
	}
}
