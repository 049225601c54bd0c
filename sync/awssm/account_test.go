package awssm_test

import (
	"testing"

	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

func TestScope(t *testing.T) {
	server := standin.Start(t, standin.Options{Accounts: map[string]string{"AKIAONE": "111111111111", "AKIATWO": "111111111111", "AKIATHREE": "333333333333"}})
	open := func(key, role string) *awssm.Driver {
		return awssm.New(awssm.Options{Config: config(server.URL, key), Prefix: prefix, RoleARN: role})
	}
	scope := func(key, role, want string) {
		t.Helper()
		want = "aws/" + server.URL + "/" + want + "/" + region
		if got := open(key, role).Scope(t.Context()); got != want {
			t.Errorf("the scope of %s %s is %s, want %s", key, role, got, want)
		}
	}
	scope("AKIAONE", "", "111111111111")
	scope("AKIATWO", "", "111111111111")
	scope("AKIATHREE", "", "333333333333")
	scope("AKIATHREE", "arn:aws:iam::444444444444:role/keeper", "444444444444")

	t.Run("EndpointsApart", func(t *testing.T) {
		// Whoever answers at an address of their own may say that they are in any account.
		other := standin.Start(t, standin.Options{Accounts: map[string]string{"AKIAONE": "111111111111"}})
		got := awssm.New(awssm.Options{Config: config(other.URL, "AKIAONE"), Prefix: prefix}).Scope(t.Context())
		if got == open("AKIAONE", "").Scope(t.Context()) {
			t.Errorf("two endpoints share the scope %s", got)
		}
	})
	t.Run("AskedOnce", func(t *testing.T) {
		server.ResetCalls()
		d := open("AKIAONE", "")
		for range 3 {
			d.Scope(t.Context())
		}
		if n := server.CallsOf("sts", "GetCallerIdentity"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("ByTheKeyWithoutAnAnswer", func(t *testing.T) {
		if err := server.Inject(standin.Fault{Service: "sts", Operation: "GetCallerIdentity", Kind: standin.FaultDenied}); err != nil {
			t.Fatal(err)
		}
		defer server.ClearFaults()
		server.ResetCalls()
		d := open("AKIAONE", "")
		for range 3 {
			if got := d.Scope(t.Context()); got != "aws/"+server.URL+"/AKIAONE/"+region {
				t.Errorf("the scope is %s", got)
			}
		}
		if n := server.CallsOf("sts", "GetCallerIdentity"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}
