package web_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// shortTimings and the variable LONG_TIMINGS say how many tries of each kind are made.
const shortTimings = 120

// telling is how many standard deviations the ranks of two samples may lie apart: by chance
// alone they are further apart once in 15,000 times, and twice in a row never.
const telling = 4

// TestTimings signs in with wrong user names and with wrong passwords, in pairs of random
// order so that what else the machine does falls on both, and compares how long the answers took.
func TestTimings(t *testing.T) {
	tries := shortTimings
	if n, err := strconv.Atoi(os.Getenv("LONG_TIMINGS")); err == nil {
		tries = n
	}
	s := newSignIns(t)
	for name, other := range map[string]string{"WrongUser": "nobody-%d", "Disabled": "disabled", "Service": "service", "NoPassword": "federated"} {
		t.Run(name, func(t *testing.T) {
			n := tries
			if name != "WrongUser" {
				n = max(tries/10, 60)
			}
			var z float64
			for range 2 { // a difference that is there shows both times
				wrong, others := s.compare(t, n, other)
				z = rankDistance(wrong, others)
				t.Logf("%d tries each: wrong password %s; %s %s; Mann-Whitney z = %.2f, Kolmogorov-Smirnov D = %.4f (1%% bound %.4f)",
					n, spread(wrong), name, spread(others), z, greatestGap(wrong, others), 1.63*math.Sqrt(2/float64(n)))
				if math.Abs(z) < telling {
					return
				}
			}
			t.Errorf("the answers can be told apart: z = %.1f", z)
		})
	}
}

// TestTimingsWouldShow holds the statistic itself to what it must notice, and must not.
func TestTimingsWouldShow(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	sample := func(shift float64) []time.Duration {
		all := make([]time.Duration, shortTimings)
		for i := range all {
			all[i] = time.Duration((50 + shift + 10*dice.ExpFloat64()) * float64(time.Millisecond))
		}
		return all
	}
	base := sample(0)
	if z := rankDistance(base, sample(0)); math.Abs(z) >= telling {
		t.Errorf("equal distributions are %.1f apart", z)
	}
	if z := rankDistance(base, sample(6)); z > -telling {
		t.Errorf("6 ms of 50 go unnoticed: %.1f", z)
	}
	if z := rankDistance(base, sample(-40)); z < telling {
		t.Errorf("a hash that is left out goes unnoticed: %.1f", z)
	}
	if d := greatestGap(base, sample(1000)); d != 1 {
		t.Errorf("the gap of samples that do not touch is %f", d)
	}
}

// signIns is a house in which sign-ins are tried, each from another network.
type signIns struct {
	h      *house
	cookie *http.Cookie
	token  string
	from   int
}

func newSignIns(t *testing.T) *signIns {
	t.Helper()
	s := &signIns{h: newHouseWith(t, houseOptions{trusted: "127.0.0.1/32"})}
	// Hashes as the product makes them: the cheap ones of other tests would show.
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	must(t, err)
	for _, u := range []models.User{
		{Username: "ada", PasswordHash: hash},
		{Username: "disabled", PasswordHash: hash, Disabled: true},
		{Username: "service", Kind: models.UserService},
		{Username: "federated"},
	} {
		u.ID, u.Role, u.CreatedAt, u.UpdatedAt = models.NewUserID(), models.RoleUser, time.Now(), time.Now()
		must(t, s.h.store.Write(context.Background(), func(tx *store.Tx) error { return tx.CreateUser(&u) }))
	}
	out := serve(s.h.handler, "/sign-in", "127.0.0.1:1")
	s.cookie, s.token = out.Result().Cookies()[0], parse(t, out.Result())
	return s
}

// compare makes tries for ada and for the other, in turn and in random order.
func (s *signIns) compare(t *testing.T, n int, other string) (wrong, others []time.Duration) {
	t.Helper()
	for range 5 { // until all is warm
		s.try(t, "ada")
	}
	for i := range n {
		name := other
		if strings.Contains(other, "%d") {
			name = fmt.Sprintf(other, i)
		}
		if rand.N(2) == 0 {
			wrong = append(wrong, s.try(t, "ada"))
			others = append(others, s.try(t, name))
		} else {
			others = append(others, s.try(t, name))
			wrong = append(wrong, s.try(t, "ada"))
		}
	}
	return wrong, others
}

func (s *signIns) try(t *testing.T, name string) time.Duration {
	t.Helper()
	s.from++
	form := url.Values{"csrf_token": {s.token}, "username": {name}, "password": {"a wrong password of hers"}}
	r := httptest.NewRequest(http.MethodPost, "http://localhost/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("100.%d.%d.%d", 64+s.from>>16, s.from>>8&255, s.from&255))
	r.RemoteAddr = "127.0.0.1:1"
	r.AddCookie(s.cookie)
	out := httptest.NewRecorder()
	begin := time.Now()
	s.h.handler.ServeHTTP(out, r)
	took := time.Since(begin)
	if out.Code != http.StatusUnauthorized {
		t.Fatalf("signing in as %s answers %d", name, out.Code)
	}
	return took
}

// spread is a sample's quartiles.
func spread(sample []time.Duration) string {
	sorted := slices.Sorted(slices.Values(sample))
	at := func(share int) string {
		return fmt.Sprintf("%.2f", float64(sorted[len(sorted)*share/100].Microseconds())/1000)
	}
	return at(25) + "/" + at(50) + "/" + at(75) + " ms"
}

// rankDistance is the Mann-Whitney statistic of two samples in standard deviations: by
// how much the first's ranks lie above what they would be in one distribution.
func rankDistance(a, b []time.Duration) float64 {
	type one struct {
		took  time.Duration
		first bool
	}
	all := make([]one, 0, len(a)+len(b))
	for _, took := range a {
		all = append(all, one{took, true})
	}
	for _, took := range b {
		all = append(all, one{took, false})
	}
	slices.SortFunc(all, func(x, y one) int { return int(x.took - y.took) })
	var ranks float64
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && all[end].took == all[i].took {
			end++
		}
		for j := i; j < end; j++ {
			if all[j].first {
				ranks += float64(i+end+1) / 2 // equal ones share theirs
			}
		}
		i = end
	}
	n, m := float64(len(a)), float64(len(b))
	return (ranks - n*(n+1)/2 - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// greatestGap is the Kolmogorov-Smirnov statistic: the greatest distance of the two
// distributions, 0 to 1.
func greatestGap(a, b []time.Duration) (gap float64) {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	for _, at := range append(slices.Clone(a), b...) {
		below := func(sample []time.Duration) float64 {
			i, _ := slices.BinarySearch(sample, at+1)
			return float64(i) / float64(len(sample))
		}
		gap = max(gap, math.Abs(below(a)-below(b)))
	}
	return gap
}
