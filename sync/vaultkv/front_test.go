package vaultkv_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/your-org/keeper/sync/drivertest"
)

// wanted says which requests an operation is made of, and the capability that it needs.
var wanted = map[drivertest.Op]struct {
	method, area, capability string
	list                     bool
}{
	drivertest.OpList:     {"GET", "metadata", "list", true},
	drivertest.OpDescribe: {"GET", "metadata", "read", false},
	drivertest.OpFetch:    {"GET", "data", "read", false},
	drivertest.OpCreate:   {"PUT", "data", "create and update", false},
	drivertest.OpUpdate:   {"PUT", "data", "create and update", false},
	drivertest.OpMark:     {"PATCH", "metadata", "patch", false},
	drivertest.OpUnmark:   {"PATCH", "metadata", "patch", false},
	drivertest.OpDelete:   {"PUT", "delete", "update", false},
	drivertest.OpRestore:  {"PUT", "undelete", "update", false},
	opDestroy:             {"PUT", "destroy", "update", false},
}

// opDestroy is not one of every driver's.
const opDestroy drivertest.Op = "destroy"

// rule spoils requests: with a status of its own, or by losing the answer to a request that
// Vault has carried out.
type rule struct {
	op     drivertest.Op
	name   string // empty: any
	status int
	lose   bool
}

// front stands between a driver and a real Vault, which cannot be told to fail.
type front struct {
	mount string
	vault http.Handler

	mu    sync.Mutex
	rules []rule
	seen  []string // "PUT data", in order
	hook  func(*http.Request)
}

func newFront(vaultURL, mount string) *front {
	target, err := url.Parse(vaultURL)
	if err != nil {
		panic(err)
	}
	return &front{mount: mount, vault: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}}
}

func (f *front) spoil(r rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
}

func (f *front) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hit, hook := f.match(r)
	if hook != nil {
		hook(r)
	}
	switch {
	case hit == nil:
		f.vault.ServeHTTP(w, r)
	case hit.lose:
		f.vault.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // ends the connection without an answer
	default:
		w.WriteHeader(hit.status)
		_, _ = w.Write([]byte(`{"errors":["made to fail"]}`))
	}
}

func (f *front) match(r *http.Request) (*rule, func(*http.Request)) {
	area, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"+f.mount+"/"), "/")
	list, _ := strconv.ParseBool(r.URL.Query().Get("list"))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Method+" "+area)
	for _, rule := range f.rules {
		w := wanted[rule.op]
		if w.method == r.Method && w.area == area && w.list == list && (rule.name == "" || rule.name == name) {
			return &rule, f.hook
		}
	}
	return nil, f.hook
}
