package keystest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskmsapi "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/ports"
	"github.com/your-org/keeper/test/scenario"
)

// The two regions that Keeper's keys are in.
const (
	home   = "eu-central-1"
	abroad = "eu-west-1"
)

// patience bounds every wait.
const patience = 4 * time.Minute

// world is a Keeper in a process of its own beside an AWS.
type world struct {
	aws    *standin.Server
	keeper *scenario.Keeper
	log    *said
	client *client.Client
	token  string
	store  store.Options // of the database, to look into it from beside

	transport *http.Transport
}

// stop ends the server in order. A connection that was opened and never used would hold that
// up for seconds.
func (w *world) stop() {
	if w.transport != nil {
		w.transport.CloseIdleConnections()
	}
	http.DefaultClient.CloseIdleConnections()
	w.keeper.Stop()
}

// newWorld makes a Keeper that does not run yet, on a fresh database of a dialect.
func newWorld(t *testing.T, dialect string, options standin.Options, settings ...string) *world {
	t.Helper()
	options.KMSAliases = append(options.KMSAliases, "alias/keeper", "alias/next")
	w := &world{aws: standin.Start(t, options), log: new(said), store: storetest.Options(t, dialect)}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w.keeper = &scenario.Keeper{Binary: path, Dir: t.TempDir(), Log: w.log}
	if dialect == store.SQLite {
		w.store.Path = filepath.Join(w.keeper.Dir, "keeper.db")
	}
	w.keeper.Env = append([]string{
		"DATABASE_URL=" + databaseURL(w.store), "KEEPER_ADMIN_PASSWORD=a-password-for-tests", "KEEPER_LOG_LEVEL=info", `KMS_ENCRYPTION_CONTEXT={"team":"platform"}`,
		"AWS_REGION=" + home, "AWS_ENDPOINT_URL=" + w.aws.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}, settings...)
	t.Cleanup(w.stop)
	return w
}

// onKMS are the settings of a Keeper whose keys are in KMS.
func onKMS(more ...string) []string {
	return append([]string{"KEY_MANAGEMENT_BACKEND=kms", "KMS_KEY_ALIAS=alias/keeper"}, more...)
}

// set changes a setting for the next start.
func (w *world) set(name, value string) {
	for i, one := range w.keeper.Env {
		if strings.HasPrefix(one, name+"=") {
			w.keeper.Env[i] = name + "=" + value
			return
		}
	}
	w.keeper.Env = append(w.keeper.Env, name+"="+value)
}

// start starts the server, on a port of its own each time, and signs in.
func (w *world) start(t *testing.T) {
	t.Helper()
	w.keeper.Port = freePort(t)
	if err := w.keeper.Start(t.Context()); err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, w.log)
	}
	if w.token == "" {
		token, err := w.keeper.NewToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.token = token
	}
	w.set("KEEPER_URL", w.keeper.URL) // for commands that talk to the server
	w.set("KEEPER_TOKEN", w.token)
	w.client = w.newClient(t)
}

func (w *world) newClient(t *testing.T) *client.Client {
	t.Helper()
	if w.transport != nil {
		w.transport.CloseIdleConnections()
	}
	w.transport = &http.Transport{MaxIdleConnsPerHost: 32}
	c, err := client.New(w.keeper.URL, w.token, client.WithTries(1), client.WithHTTPClient(&http.Client{Transport: w.transport, Timeout: patience}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// beside opens the database beside the server, or without one.
func (w *world) beside(t *testing.T) *store.Store {
	t.Helper()
	options := w.store
	options.Exclusive = false
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// leasesRunOut has the time pass after which a dead server's work is taken over, where
// servers may share the database. Alone on SQLite a server does so itself.
func (w *world) leasesRunOut(t *testing.T) {
	t.Helper()
	if w.store.Dialect == store.SQLite {
		return
	}
	s, err := store.Open(t.Context(), w.store)
	if err == nil {
		err = errors.Join(s.Write(t.Context(), func(tx *store.Tx) error { return tx.ReleaseLeases() }), s.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) environment(t *testing.T, name string) api.Environment {
	t.Helper()
	e, err := w.client.CreateEnvironment(t.Context(), api.NewEnvironment{Name: name})
	if err != nil {
		t.Fatalf("%v\nKeeper said:\n%s", err, w.log)
	}
	return e
}

// call is one call of the API by its path: what the client has no method for, or where the
// raw answer matters.
func (w *world) call(ctx context.Context, method, path string, in, out any) (status int, body []byte, err error) {
	var sent []byte
	if in != nil {
		if sent, err = json.Marshal(in); err != nil {
			return 0, nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, w.keeper.URL+path, bytes.NewReader(sent))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+w.token)
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	var read bytes.Buffer
	if _, err := read.ReadFrom(answer.Body); err != nil {
		return 0, nil, err
	}
	if answer.StatusCode >= 300 {
		return answer.StatusCode, read.Bytes(), fmt.Errorf("%s %s: %d: %.600s", method, path, answer.StatusCode, read.Bytes())
	}
	if out != nil {
		err = json.Unmarshal(read.Bytes(), out)
	}
	return answer.StatusCode, read.Bytes(), err
}

// command runs the keeper command and wants it to succeed.
func (w *world) command(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := w.keeper.Command(t.Context(), stdin, args...)
	if err != nil {
		t.Fatalf("keeper %s: %v\nit said:\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// background starts the keeper command, which the caller kills or waits for.
func (w *world) background(t *testing.T, args ...string) (cmd *exec.Cmd, talk *said) {
	t.Helper()
	talk = new(said)
	cmd = exec.Command(w.keeper.Binary, args...)
	cmd.Dir, cmd.Env = w.keeper.Dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.keeper.Dir}, w.keeper.Env...)
	cmd.Stdout, cmd.Stderr = talk, talk
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, talk
}

// kmsOf is the AWS of a region, as its owner sees it.
func (w *world) kmsOf(region string) *awskmsapi.Client { return kmsAt(w.aws.URL, region) }

func kmsAt(url, region string) *awskmsapi.Client {
	return awskmsapi.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// keyARN is the ARN of the key behind an alias of a region.
func (w *world) keyARN(t *testing.T, region, alias string) string {
	t.Helper()
	out, err := w.kmsOf(region).DescribeKey(t.Context(), &awskmsapi.DescribeKeyInput{KeyId: &alias})
	if err != nil {
		t.Fatal(err)
	}
	return *out.KeyMetadata.Arn
}

// eventually asks again and again until the answer is nil.
func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s in vain: %v", patience, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// databaseURL is a database as DATABASE_URL spells it.
func databaseURL(o store.Options) string {
	if o.Dialect == store.SQLite {
		return "sqlite:///" + o.Path
	}
	scheme := map[string]string{store.MySQL: "mysql+pymysql", store.Postgres: "postgres"}[o.Dialect]
	query := url.Values{}
	for name, value := range o.Params {
		query.Set(name, value)
	}
	u := url.URL{
		Scheme: scheme, User: url.UserPassword(o.User, o.Password), Host: net.JoinHostPort(o.Host, strconv.Itoa(o.Port)),
		Path: "/" + o.Name, RawQuery: query.Encode(),
	}
	return u.String()
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// said keeps what processes say.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// String is what was said last.
func (s *said) String() string {
	text := s.all()
	if len(text) > 6000 {
		text = "…" + text[len(text)-6000:]
	}
	return strings.TrimSpace(text)
}
