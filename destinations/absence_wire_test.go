package destinations_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/sync/vaultkv"
)

// wire stands between a driver and its counterpart, and spoils answers while a test has it do so.
type wire struct {
	url     string
	through http.Handler
	smaller func(*http.Request, []byte) []byte // makes requests ask for little at once; nil: as they are

	mu    sync.Mutex
	about func(*http.Request, []byte) bool
	spoil spoil
	hits  atomic.Int64
}

// spoil answers a request otherwise than the counterpart does; answer is what that says.
type spoil func(w http.ResponseWriter, answer func() *httptest.ResponseRecorder)

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{through: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (l *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if l.smaller != nil {
		body = l.smaller(r, body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	l.mu.Lock()
	about, spoil := l.about, l.spoil
	l.mu.Unlock()
	if about == nil || !about(r, body) {
		l.through.ServeHTTP(w, r)
		return
	}
	l.hits.Add(1)
	spoil(w, func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		l.through.ServeHTTP(answer, r)
		return answer
	})
}

// fails is a reading's.
func (l *wire) fails(about func(*http.Request, []byte) bool, how spoil) func(*testing.T) (func(), func() bool) {
	set := func(about func(*http.Request, []byte) bool, how spoil) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.about, l.spoil = about, how
	}
	return func(*testing.T) (func(), func() bool) {
		set(about, how)
		return func() { set(nil, nil) }, func() bool { return l.hits.Load() > 0 }
	}
}

// says is an answer of one's own.
func says(status int, kind, body string) spoil {
	return func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// edited is the counterpart's own answer with something changed in it.
func edited(edit func(answer map[string]any)) spoil {
	return func(w http.ResponseWriter, answer func() *httptest.ResponseRecorder) {
		got := answer()
		var parsed map[string]any
		if json.Unmarshal(got.Body.Bytes(), &parsed) == nil {
			edit(parsed)
		}
		text, _ := json.Marshal(parsed)
		w.Header().Set("Content-Type", got.Header().Get("Content-Type"))
		w.WriteHeader(got.Code)
		_, _ = w.Write(text)
	}
}

// broken are ways in which any answer can go wrong on its way, whoever gave it.
var broken = map[string]spoil{
	"Reset": func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if tcp, ok := conn.(*net.TCPConn); err == nil && ok {
			_ = tcp.SetLinger(0)
			_ = conn.Close()
		}
		panic(http.ErrAbortHandler)
	},
	"CutAfterHalf": func(w http.ResponseWriter, answer func() *httptest.ResponseRecorder) {
		got := answer()
		w.Header().Set("Content-Type", got.Header().Get("Content-Type"))
		w.Header().Set("Content-Length", strconv.Itoa(got.Body.Len()))
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes()[:got.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"HalfAndWell": func(w http.ResponseWriter, answer func() *httptest.ResponseRecorder) {
		got := answer()
		w.Header().Set("Content-Type", got.Header().Get("Content-Type"))
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes()[:got.Body.Len()/2])
	},
	"AnotherServer": says(404, "text/html", "<html><h1>Not found</h1></html>"),
	"Portal":        says(200, "text/html", "<html>Sign in</html>"),
	"EmptyObject":   says(200, "application/json", "{}"),
	"EmptyBody":     says(200, "application/json", ""),
	"Null":          says(200, "application/json", "null"),
}

// withBroken is broken and further ways.
func withBroken(more map[string]spoil) map[string]spoil {
	for name, how := range broken {
		more[name] = how
	}
	return more
}

// few are some of many ways, for reads of a kind of which another one goes wrong in all of them.
func few(all map[string]spoil) map[string]spoil {
	some := map[string]spoil{}
	for _, how := range []string{"Throttled", "Forbidden", "CutAfterHalf", "HalfAndWell", "EmptyObject"} {
		some[how] = all[how]
	}
	return some
}

// awsSays are AWS's own refusals.
func awsSays(status int, code string) spoil {
	return says(status, "application/x-amz-json-1.1", `{"__type":"`+code+`","message":"as told"}`)
}

func awsFaults() map[string]spoil {
	return withBroken(map[string]spoil{
		"Throttled":   awsSays(400, "ThrottlingException"),
		"ServerError": awsSays(500, "InternalServiceError"),
		"Forbidden":   awsSays(400, "AccessDeniedException"),
		"UnknownCode": awsSays(400, "NobodyKnowsException"),
	})
}

// wiredAWS is the stand-in behind a wire, listing two names a page.
type wiredAWS struct {
	atAWS
	*wire
	page, pages int // of the listing that is under way, and of the longest one
}

func newWiredAWS(t *testing.T) *wiredAWS {
	t.Helper()
	at := startAWS(t).(atAWS)
	a := &wiredAWS{atAWS: at, wire: newWire(t, at.URL)}
	a.smaller = a.twoAPage
	return a
}

func operation(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
}

func (a *wiredAWS) twoAPage(r *http.Request, body []byte) []byte {
	var in map[string]any
	if operation(r) != "ListSecrets" || json.Unmarshal(body, &in) != nil {
		return body
	}
	if a.page++; in["NextToken"] == nil {
		a.page = 1
	}
	a.pages = max(a.pages, a.page)
	in["MaxResults"] = 2
	body, _ = json.Marshal(in)
	return body
}

func (a *wiredAWS) open() (keepersync.Driver, error) {
	config := a.config
	config.BaseEndpoint = aws.String(a.url)
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return awssm.New(awssm.Options{Config: config, Prefix: "production/", WriteBurst: -1}), nil
}

func (a *wiredAWS) look(_ *testing.T, name string) string {
	s, ok := a.Secret(region, name)
	return fmt.Sprintf("%v %+v", ok, s)
}

func (a *wiredAWS) value(_ *testing.T, name string) string {
	s, _ := a.Secret(region, name)
	if v, ok := s.Current(); ok && s.Deleted.IsZero() {
		return v.Text
	}
	return ""
}

func (a *wiredAWS) change(t *testing.T, name, value string) {
	t.Helper()
	in := &secretsmanager.PutSecretValueInput{SecretId: aws.String(name), SecretString: aws.String(value)}
	if _, err := a.client.PutSecretValue(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func (a *wiredAWS) purge(t *testing.T, name string) {
	t.Helper()
	in := &secretsmanager.DeleteSecretInput{SecretId: aws.String(name), ForceDeleteWithoutRecovery: aws.Bool(true)}
	if _, err := a.client.DeleteSecret(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// onAWS has one read fail at the stand-in.
func onAWS(t *testing.T, r reading, about func(*wiredAWS, *http.Request, []byte) bool, how spoil) {
	t.Helper()
	a := newWiredAWS(t)
	u := newUnsure(t, sqlite(t), a, func(c *models.DestinationConfig) { c.DestroyDays = 0 })
	u.pages(t, a)
	r.fails = a.fails(func(request *http.Request, body []byte) bool { return about(a, request, body) }, how)
	u.withstands(t, u.house, r)
}

// pages counts the pages of a whole listing.
func (u *unsure) pages(t *testing.T, a *wiredAWS) {
	t.Helper()
	d, err := a.open()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range d.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if a.pages < 3 {
		t.Fatalf("%d pages", a.pages)
	}
}

// TestAbsenceAtAWS has each read of the driver go wrong on the wire.
func TestAbsenceAtAWS(t *testing.T) {
	calls := func(name string) func(*wiredAWS, *http.Request, []byte) bool {
		return func(_ *wiredAWS, r *http.Request, _ []byte) bool { return operation(r) == name }
	}
	for page, at := range map[string]func(*wiredAWS) int{
		"First": func(*wiredAWS) int { return 1 }, "Middle": func(*wiredAWS) int { return 2 }, "Last": func(a *wiredAWS) int { return a.pages },
	} {
		about := func(a *wiredAWS, r *http.Request, _ []byte) bool {
			return operation(r) == "ListSecrets" && a.page == at(a)
		}
		faults := awsFaults()
		if page != "Last" {
			faults = few(faults)
		}
		for how, spoil := range faults {
			// Such a page looks like an empty last one: nothing was listed, and all is asked for by name.
			empty := how == "EmptyObject" || how == "EmptyBody" || how == "Null"
			t.Run("List/"+page+"/"+how, func(t *testing.T) { onAWS(t, reading{may: due, well: empty}, about, spoil) })
		}
		t.Run("List/"+page+"/EmptyBetween", func(t *testing.T) {
			var before atomic.Int64
			emptied := func(a *wiredAWS, r *http.Request, body []byte) bool {
				return operation(r) == "ListSecrets" && a.page == at(a) && before.Add(1) == 1
			}
			onAWS(t, reading{well: true}, emptied, func(w http.ResponseWriter, answer func() *httptest.ResponseRecorder) {
				edited(func(got map[string]any) { got["SecretList"] = []any{} })(w, answer)
			})
		})
	}
	t.Run("List/TokenRefused", func(t *testing.T) {
		onAWS(t, reading{may: due}, func(a *wiredAWS, r *http.Request, _ []byte) bool { return operation(r) == "ListSecrets" && a.page > 1 },
			awsSays(400, "InvalidNextTokenException"))
	})

	for how, spoil := range awsFaults() {
		t.Run("Describe/"+how, func(t *testing.T) {
			onAWS(t, reading{unknown: append(slices.Clone(lost), due...)}, calls("DescribeSecret"), spoil)
		})
		t.Run("Batch/"+how, func(t *testing.T) {
			onAWS(t, reading{may: aside, unknown: lost[:1]}, calls("BatchGetSecretValue"), spoil)
		})
	}
	for _, code := range []string{
		"AccessDeniedException", "DecryptionFailure", "InternalServiceError", "InvalidRequestException", "ResourceNotFoundException", "NobodyKnowsException",
	} {
		t.Run("Batch/EachIs"+code, func(t *testing.T) {
			onAWS(t, reading{may: aside, unknown: lost[:1]}, calls("BatchGetSecretValue"), edited(func(got map[string]any) {
				values, _ := got["SecretValues"].([]any)
				var errs []any
				for _, v := range values {
					errs = append(errs, map[string]any{"SecretId": v.(map[string]any)["ARN"], "ErrorCode": code, "Message": "as told"})
				}
				got["SecretValues"], got["Errors"] = []any{}, errs
			}))
		})
	}
	for how, edit := range map[string]func(map[string]any){
		"AnsweredNeitherWay": func(got map[string]any) { got["SecretValues"], got["Errors"] = []any{}, []any{} },
		"WithoutAValue": func(got map[string]any) {
			values, _ := got["SecretValues"].([]any)
			for _, v := range values {
				delete(v.(map[string]any), "SecretString")
			}
		},
		"OfOtherNames": func(got map[string]any) {
			values, _ := got["SecretValues"].([]any)
			for _, v := range values {
				v.(map[string]any)["Name"] = "production/top"
			}
		},
	} {
		t.Run("Batch/"+how, func(t *testing.T) {
			onAWS(t, reading{may: aside, unknown: lost[:1]}, calls("BatchGetSecretValue"), edited(edit))
		})
	}
}

// vaultSays is one of Vault's own refusals.
func vaultSays(status int, why string) spoil {
	return says(status, "application/json", `{"errors":["`+why+`"]}`)
}

func vaultFaults() map[string]spoil {
	return withBroken(map[string]spoil{
		"Throttled":   vaultSays(429, "rate limit quota exceeded"),
		"ServerError": vaultSays(500, "internal error"),
		"Sealed":      vaultSays(503, "Vault is sealed"),
		"Forbidden":   vaultSays(403, "permission denied"),
		"NoHandler":   vaultSays(404, "no handler for route"),
		"EmptyData":   says(200, "application/json", `{"data":{}}`),
		"NullData":    says(200, "application/json", `{"data":null}`),
	})
}

// wiredVault is Vault's engine behind a wire.
type wiredVault struct {
	atVault
	*wire
}

func (v *wiredVault) open() (keepersync.Driver, error) {
	return vaultkv.New(vaultkv.Options{Address: v.url, Mount: v.Mount, Prefix: "production/", Token: plain(v.Token)})
}

func (v *wiredVault) look(t *testing.T, name string) string {
	t.Helper()
	var about struct{ Data any }
	v.call(t, http.MethodGet, "metadata/"+name, nil, &about)
	text, err := json.Marshal(about.Data)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (v *wiredVault) value(t *testing.T, name string) string { return v.read(t, name)["value"] }

func (v *wiredVault) change(t *testing.T, name, value string) { v.edit(t, name, kv{"value": value}) }

func (v *wiredVault) purge(t *testing.T, name string) {
	v.call(t, http.MethodDelete, "metadata/"+name, nil, nil)
}

// TestAbsenceAtVault has each read of the driver go wrong on the wire.
func TestAbsenceAtVault(t *testing.T) {
	engine := startVault(t).(atVault)
	on := func(t *testing.T, r reading, about func(*http.Request) bool, how spoil) {
		t.Helper()
		engine.Reset()
		v := &wiredVault{engine, newWire(t, engine.URL)}
		u := newUnsure(t, sqlite(t), v, nil)
		r.fails = v.fails(func(r *http.Request, _ []byte) bool { return about(r) }, how)
		u.withstands(t, u.house, r)
	}
	listing := func(r *http.Request) bool { return r.Method == "LIST" || r.URL.Query().Get("list") != "" }
	for page, folder := range map[string]string{"First": "production", "Middle": "production/b", "Last": "production/a"} {
		about := func(r *http.Request) bool {
			return listing(r) && strings.TrimSuffix(r.URL.Path, "/") == "/v1/secret/metadata/"+folder
		}
		faults := vaultFaults()
		if page != "Last" {
			faults = few(faults)
		}
		for how, spoil := range faults {
			t.Run("List/"+page+"/"+how, func(t *testing.T) { on(t, reading{may: due}, about, spoil) })
		}
		t.Run("List/"+page+"/Empty", func(t *testing.T) {
			on(t, reading{well: true}, about, says(404, "application/json", `{"errors":[]}`))
		})
	}
	for _, name := range []string{"top", "a/drifted"} {
		about := func(r *http.Request) bool {
			return r.Method == http.MethodGet && !listing(r) && r.URL.Path == "/v1/secret/metadata/production/"+name
		}
		for how, spoil := range few(vaultFaults()) {
			t.Run("ListedName/"+name+"/"+how, func(t *testing.T) { on(t, reading{may: due}, about, spoil) })
		}
	}
	reads := func(area string) func(*http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method == http.MethodGet && !listing(r) && strings.HasPrefix(r.URL.Path, "/v1/secret/"+area+"/")
		}
	}
	for how, spoil := range vaultFaults() {
		t.Run("Describe/"+how, func(t *testing.T) { on(t, reading{}, reads("metadata"), spoil) })
		t.Run("Fetch/"+how, func(t *testing.T) { on(t, reading{may: aside, unknown: lost[:1]}, reads("data"), spoil) })
	}
}
