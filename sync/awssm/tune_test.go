package awssm_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// with replaces the driver by one with further settings.
func (c *counterpart) with(o awssm.Options) {
	o.Config, o.Prefix = config(c.server.URL, "AKIAKEEPER"), prefix
	c.driver = awssm.New(o)
}

func (c *counterpart) secret(name string) standin.SecretState {
	c.t.Helper()
	s, ok := c.server.Secret(region, prefix+name)
	if !ok {
		c.t.Fatalf("there is no %s", name)
	}
	return s
}

// untuned reports what the listing and a look say; both must say the same.
func (c *counterpart) untuned(name string) bool {
	c.t.Helper()
	looked, err := c.driver.Describe(c.t.Context(), prefix+name)
	c.must(err)
	for r, err := range c.driver.List(c.t.Context()) {
		c.must(err)
		if r.Name == prefix+name && r.Untuned != looked.Untuned {
			c.t.Errorf("the listing says untuned %t, the look %t", r.Untuned, looked.Untuned)
		}
	}
	return looked.Untuned
}

func (c *counterpart) tune(name string) keepersync.Remote {
	c.t.Helper()
	r, err := c.driver.Tune(c.t.Context(), prefix+name)
	c.must(err)
	return r
}

// writes is how many calls changed anything.
func (c *counterpart) writes() (n int) {
	for _, op := range []string{"UpdateSecret", "TagResource", "PutSecretValue", "ReplicateSecretToRegions", "RemoveRegionsFromReplication", "CreateSecret", "DeleteSecret"} {
		n += c.server.CallsOf("secretsmanager", op)
	}
	return n
}

func TestKey(t *testing.T) {
	t.Run("ChangedWithoutANewVersion", func(t *testing.T) {
		c := start(t)
		before := c.put(write("x", "one", 1, keepersync.Remote{}))
		key := c.server.CreateKey(region, "alias/app")
		c.with(awssm.Options{KMSKeyID: key})
		if !c.untuned("x") {
			t.Fatal("another key is not seen")
		}
		after := c.tune("x")
		if after.Untuned || after.Version != before.Version || len(c.secret("x").Versions) != 1 || c.secret("x").KMSKeyID != key {
			t.Errorf("after: %+v, under %s, %d versions", after, c.secret("x").KMSKeyID, len(c.secret("x").Versions))
		}
		c.server.ResetCalls()
		if c.untuned("x") || c.tune("x").Untuned || c.writes() > 0 {
			t.Errorf("%d writes where nothing differs", c.writes())
		}
	})
	t.Run("AnotherSpellingIsTheSameKey", func(t *testing.T) {
		c := start(t)
		arn := c.server.CreateKey(region, "alias/app")
		_, id, _ := strings.Cut(arn, "key/")
		account := "arn:aws:kms:" + region + ":" + standin.DefaultAccount + ":"
		spellings := []string{arn, id, "alias/app", account + "alias/app"}
		for i, stored := range spellings {
			name := "x" + string(rune('0'+i))
			c.with(awssm.Options{KMSKeyID: stored})
			c.put(write(name, "one", 1, keepersync.Remote{}))
			for _, wanted := range spellings {
				c.with(awssm.Options{KMSKeyID: wanted})
				c.server.ResetCalls()
				if c.untuned(name) || c.tune(name).Untuned || c.writes() > 0 {
					t.Errorf("%s is not taken for %s", wanted, stored)
				}
			}
		}
	})
	t.Run("TheDefaultKey", func(t *testing.T) {
		c := start(t)
		c.put(write("x", "one", 1, keepersync.Remote{}))
		for _, wanted := range []string{"", "alias/aws/secretsmanager", "arn:aws:kms:" + region + ":" + standin.DefaultAccount + ":alias/aws/secretsmanager"} {
			c.with(awssm.Options{KMSKeyID: wanted})
			if c.untuned("x") {
				t.Errorf("%q is not taken for the default key", wanted)
			}
		}
	})
	t.Run("NoneNamedLeavesWhatStands", func(t *testing.T) {
		c := start(t)
		key := c.server.CreateKey(region, "")
		c.with(awssm.Options{KMSKeyID: key})
		c.put(write("x", "one", 1, keepersync.Remote{}))
		c.with(awssm.Options{})
		if c.untuned("x") {
			t.Error("a destination without a key would change one")
		}
	})
	t.Run("CannotBeTold", func(t *testing.T) {
		c := start(t)
		c.with(awssm.Options{KMSKeyID: c.server.CreateKey(region, "alias/app")})
		c.put(write("x", "one", 1, keepersync.Remote{}))
		c.must(c.server.Inject(standin.Fault{Service: "kms", Operation: "DescribeKey", Kind: standin.FaultDenied}))
		c.with(awssm.Options{KMSKeyID: "alias/app"})
		c.server.ResetCalls()
		_, err := c.driver.Tune(t.Context(), prefix+"x")
		wantKind(t, err, fault.Forbidden, prefix+"x", "alias/app")
		if c.writes() > 0 {
			t.Error("something was changed on a guess")
		}
	})
	t.Run("KeyThatIsNotThere", func(t *testing.T) {
		c := start(t)
		c.put(write("x", "one", 1, keepersync.Remote{}))
		c.with(awssm.Options{KMSKeyID: "11111111-2222-3333-4444-555555555555"})
		_, err := c.driver.Tune(t.Context(), prefix+"x")
		wantKind(t, err, fault.Invalid, prefix+"x")
	})
}

func TestTags(t *testing.T) {
	c := start(t)
	c.with(awssm.Options{Tags: map[string]string{"team": "red"}})
	c.put(write("x", "one", 1, keepersync.Remote{}))
	if c.untuned("x") || c.secret("x").Tags["team"] != "red" {
		t.Fatalf("made with %v", c.secret("x").Tags)
	}
	c.Label(prefix+"x", "theirs", "stays")
	c.Label(prefix+"x", "team", "blue")
	c.with(awssm.Options{Tags: map[string]string{"team": "red", "cost": "7"}})
	if !c.untuned("x") {
		t.Fatal("other tags are not seen")
	}
	if c.tune("x").Untuned {
		t.Error("still untuned")
	}
	want := map[string]string{
		"team": "red", "cost": "7", "theirs": "stays", "keeper:owner": "ins_1", "keeper:destination": "dst_1", "keeper:secret": "7",
	}
	if got := c.secret("x").Tags; !maps.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}
	c.Edit(prefix+"foreign", []byte("v"))
	if c.untuned("foreign") {
		t.Error("what is not Keeper's would be changed")
	}
}

func TestReplicas(t *testing.T) {
	made := func(t *testing.T, regions ...string) *counterpart {
		c := start(t)
		c.with(awssm.Options{ReplicaRegions: regions})
		c.put(write("x", "one", 1, keepersync.Remote{}))
		return c
	}
	settled := func(t *testing.T, regions ...string) *counterpart {
		c := made(t, regions...)
		c.tune("x")
		if c.untuned("x") || !slices.Equal(c.secret("x").Replicas, slices.Sorted(slices.Values(regions))) {
			t.Fatalf("replicas %v", c.secret("x").Replicas)
		}
		return c
	}
	t.Run("SettledCostsNothing", func(t *testing.T) {
		c := settled(t, "us-east-1", "eu-west-1")
		c.server.ResetCalls()
		for r, err := range c.driver.List(t.Context()) {
			c.must(err)
			if r.Untuned {
				t.Errorf("%s is untuned", r.Name)
			}
		}
		if n := c.server.CallsOf("secretsmanager", "DescribeSecret") + c.writes(); n > 0 {
			t.Errorf("%d calls besides the listing", n)
		}
	})
	t.Run("Changed", func(t *testing.T) {
		c := settled(t, "us-east-1", "eu-west-1")
		c.with(awssm.Options{ReplicaRegions: []string{"us-west-2", "us-east-1"}})
		if !c.untuned("x") {
			t.Fatal("other regions are not seen")
		}
		c.tune("x")
		c.tune("x")
		if got := c.secret("x").Replicas; !slices.Equal(got, []string{"us-east-1", "us-west-2"}) || c.untuned("x") {
			t.Errorf("replicas %v", got)
		}
	})
	t.Run("Others", func(t *testing.T) {
		c := settled(t, "us-east-1")
		_, err := c.stranger.ReplicateSecretToRegions(t.Context(), replicate(prefix+"x", "ap-south-1"))
		c.must(err)
		c.with(awssm.Options{ReplicaRegions: []string{"us-west-2"}})
		c.tune("x")
		if got := c.secret("x").Replicas; !slices.Equal(got, []string{"ap-south-1", "us-west-2"}) {
			t.Errorf("replicas %v, want a stranger's and ours", got)
		}
	})
	t.Run("InProgress", func(t *testing.T) {
		c := start(t)
		c.server.SetReplication("us-east-1", "InProgress", "")
		c.with(awssm.Options{ReplicaRegions: []string{"us-east-1"}})
		c.put(write("x", "one", 1, keepersync.Remote{}))
		c.server.ResetCalls()
		if !c.tune("x").Untuned || c.writes() > 0 {
			t.Errorf("%d writes while AWS replicates", c.writes())
		}
		c.server.SetReplication("us-east-1", "InSync", "")
		if c.tune("x").Untuned {
			t.Error("still untuned")
		}
	})
	t.Run("Failed", func(t *testing.T) {
		c := start(t)
		c.server.SetReplication("us-east-1", "Failed", "Secret with this name already exists in this region")
		c.with(awssm.Options{ReplicaRegions: []string{"eu-west-1", "us-east-1"}})
		c.put(write("x", "one", 1, keepersync.Remote{}))
		for range 2 {
			_, err := c.driver.Tune(t.Context(), prefix+"x")
			wantKind(t, err, fault.Unavailable, prefix+"x", "us-east-1", "already exists")
		}
		c.server.SetReplication("us-east-1", "InSync", "")
		if c.tune("x").Untuned {
			t.Error("still untuned")
		}
	})
	t.Run("DeletedWithOthers", func(t *testing.T) {
		c := settled(t, "us-east-1")
		_, err := c.stranger.ReplicateSecretToRegions(t.Context(), replicate(prefix+"x", "ap-south-1"))
		c.must(err)
		looked, err := c.driver.Describe(t.Context(), prefix+"x")
		c.must(err)
		c.server.ResetCalls()
		_, err = c.driver.Delete(t.Context(), looked)
		wantKind(t, err, fault.Invalid, prefix+"x", "ap-south-1")
		if got := c.secret("x").Replicas; c.writes() > 0 || !slices.Equal(got, []string{"ap-south-1", "us-east-1"}) {
			t.Errorf("%d writes, replicas %v", c.writes(), got)
		}
	})
	t.Run("DeletedAndRestored", func(t *testing.T) {
		c := settled(t, "us-east-1")
		looked, err := c.driver.Describe(t.Context(), prefix+"x")
		c.must(err)
		gone, err := c.driver.Delete(t.Context(), looked)
		c.must(err)
		if !gone.Deleted || gone.Untuned || len(c.secret("x").Replicas) > 0 {
			t.Fatalf("deleted: %+v, replicas %v", gone, c.secret("x").Replicas)
		}
		back, err := c.driver.Restore(t.Context(), gone)
		c.must(err)
		if !back.Untuned || !c.untuned("x") {
			t.Fatal("missing replicas are not seen")
		}
		c.tune("x")
		if c.tune("x").Untuned || len(c.secret("x").Replicas) != 1 {
			t.Errorf("replicas %v", c.secret("x").Replicas)
		}
	})
}
