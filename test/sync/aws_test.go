package synctests

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

const region = "eu-central-1"

// staleness is how old the stand-in's listings are: what AWS promises at worst.
const staleness = 5 * time.Minute

// newAWS is the stand-in, its listings stale, with the real driver and the real SDK on it.
func newAWS(w *world) *site {
	server := standin.New(standin.Options{ListDelay: staleness})
	line := &wire{server: server, world: w}
	a := &inAWS{server: server, world: w, stranger: secretsmanager.NewFromConfig(awsConfig(&wire{server: server, world: w}, "AKIASTRANGER"))}
	return &site{
		name: "aws", place: a, driver: awssm.New(awssm.Options{Config: awsConfig(line, "AKIAKEEPER"), Prefix: prefix}),
		close: server.Close, wire: func(faults int) { line.faults = faults }, listings: staleness,
	}
}

func awsConfig(line *wire, key string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String("http://aws.test"), HTTPClient: line,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// wire carries calls to the stand-in without a network, and loses some.
type wire struct {
	server *standin.Server
	world  *world
	faults int // of a hundred
}

var errWire = errors.New("connection reset by peer")

func (l *wire) Do(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RequestURI = r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	struck := l.faults > 0 && l.world.chance(l.faults)
	if struck && l.world.chance(30) {
		l.world.tell("wire: %s fails", r.Header.Get("X-Amz-Target"))
		return nil, errWire
	}
	// The clock of the world runs ahead; dates and deadlines follow it.
	l.server.SetClock(l.world.clock.read())
	rec := httptest.NewRecorder()
	l.server.ServeHTTP(rec, r)
	if struck {
		l.world.tell("wire: the answer to %s is lost", r.Header.Get("X-Amz-Target"))
		return nil, errWire
	}
	answer := rec.Result()
	answer.Request = r
	if answer.Body == nil {
		answer.Body = io.NopCloser(http.NoBody)
	}
	return answer, nil
}

type inAWS struct {
	server   *standin.Server
	world    *world
	stranger *secretsmanager.Client
}

func (a *inAWS) look(name string) thing {
	s, ok := a.server.Secret(region, name)
	if !ok {
		return thing{}
	}
	id, _ := strconv.ParseInt(s.Tags["keeper:secret"], 10, 64)
	found := thing{there: true, deleted: !s.Deleted.IsZero(), mark: keepersync.Mark{
		Owner: s.Tags["keeper:owner"], Destination: models.DestinationID(s.Tags["keeper:destination"]), Secret: models.SecretID(id),
	}}
	if v, ok := s.Current(); ok {
		found.value, found.version = v.Text, v.ID
	}
	return found
}

func (a *inAWS) keeps(name, value string) bool {
	s, _ := a.server.Secret(region, name)
	return slices.ContainsFunc(s.Versions, func(v standin.VersionState) bool { return v.Text == value })
}

func (a *inAWS) did(err error) { a.world.must(err) }

func (a *inAWS) edit(name, value string) {
	there := a.look(name)
	if there.deleted {
		a.restore(name)
	}
	if there.there {
		_, err := a.stranger.PutSecretValue(context.Background(), &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value})
		a.did(err)
		return
	}
	_, err := a.stranger.CreateSecret(context.Background(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	a.did(err)
}

func (a *inAWS) remove(name string) {
	if a.look(name).live() {
		_, err := a.stranger.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: &name, RecoveryWindowInDays: aws.Int64(30)})
		a.did(err)
	}
}

func (a *inAWS) restore(name string) {
	if a.look(name).deleted {
		_, err := a.stranger.RestoreSecret(context.Background(), &secretsmanager.RestoreSecretInput{SecretId: &name})
		a.did(err)
	}
}

func (a *inAWS) purge(name string) {
	if there := a.look(name); there.there {
		if there.deleted {
			a.restore(name)
		}
		_, err := a.stranger.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: &name, ForceDeleteWithoutRecovery: aws.Bool(true)})
		a.did(err)
	}
}

func (a *inAWS) mark(name string, m keepersync.Mark) {
	if !a.look(name).live() {
		return
	}
	tags := map[string]string{"keeper:owner": m.Owner, "keeper:destination": string(m.Destination), "keeper:secret": strconv.FormatInt(int64(m.Secret), 10)}
	if m.Zero() {
		_, err := a.stranger.UntagResource(context.Background(), &secretsmanager.UntagResourceInput{SecretId: &name, TagKeys: slices.Sorted(maps.Keys(tags))})
		a.did(err)
		return
	}
	in := &secretsmanager.TagResourceInput{SecretId: &name}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	_, err := a.stranger.TagResource(context.Background(), in)
	a.did(err)
}
