package awssm_test

import (
	"strings"
	"testing"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/awssm"
	"github.com/your-org/keeper/test/awsstandin/standin"
)

// missing are the permissions that Try found wanting.
func missing(tried []keepersync.Tried) map[string]error {
	all := map[string]error{}
	for _, t := range tried {
		if !t.OK {
			all[t.Permission] = t.Err
		}
	}
	return all
}

func (c *counterpart) nothingLeft() {
	c.t.Helper()
	if left := c.server.Secrets(standin.DefaultAccount, region); len(left) > 0 {
		c.t.Errorf("%d secrets are left, such as %s", len(left), left[0].Name)
	}
}

func TestTry(t *testing.T) {
	t.Run("KeyThatCannotBeUsed", func(t *testing.T) {
		c := start(t)
		d := awssm.New(awssm.Options{Config: config(c.server.URL, "AKIAKEEPER"), Prefix: prefix, KMSKeyID: "alias/no-such"})
		got := missing(d.Try(t.Context()))
		err := got["kms:GenerateDataKey and kms:Decrypt"]
		if len(got) != 1 || !fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "alias/no-such") {
			t.Errorf("missing: %v", got)
		}
		c.nothingLeft()
	})
	t.Run("KeyThatCanBeUsed", func(t *testing.T) {
		c := start(t)
		key := c.server.CreateKey(region, "alias/keeper")
		d := awssm.New(awssm.Options{Config: config(c.server.URL, "AKIAKEEPER"), Prefix: prefix, KMSKeyID: key})
		if got := missing(d.Try(t.Context())); len(got) > 0 {
			t.Errorf("missing: %v", got)
		}
		c.nothingLeft()
	})
	t.Run("NothingIsMadeThatCannotBeRemoved", func(t *testing.T) {
		c := start(t)
		c.inject(standin.Fault{Operation: "DeleteSecret", Kind: standin.FaultDenied})
		got := missing(c.driver.Try(t.Context()))
		if err := got["secretsmanager:CreateSecret"]; len(got) != 2 || !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "secretsmanager:DeleteSecret") {
			t.Errorf("missing: %v", got)
		}
		if c.server.CallsOf("secretsmanager", "CreateSecret") > 0 {
			t.Error("a secret was made")
		}
		c.nothingLeft()
	})
	t.Run("LostAnswerLeavesNothing", func(t *testing.T) {
		c := start(t)
		c.inject(standin.Fault{Operation: "CreateSecret", Kind: standin.FaultTimeoutAfter, Millis: 1})
		if got := missing(c.driver.Try(t.Context())); got["secretsmanager:CreateSecret"] == nil {
			t.Errorf("missing: %v", got)
		}
		c.nothingLeft()
	})
	t.Run("WhatCannotBeRemovedIsTold", func(t *testing.T) {
		c := start(t)
		c.inject(standin.Fault{Operation: "DeleteSecret", Kind: standin.FaultDenied, Skip: 1})
		told := ""
		for _, err := range missing(c.driver.Try(t.Context())) {
			told += err.Error()
		}
		left := c.server.Secrets(standin.DefaultAccount, region)
		if len(left) != 1 || !strings.Contains(told, left[0].Name) {
			t.Errorf("%d secrets are left; told: %s", len(left), told)
		}
	})
	t.Run("FurtherSettings", func(t *testing.T) {
		for _, op := range []string{"UpdateSecret", "ReplicateSecretToRegions", "RemoveRegionsFromReplication"} {
			c := start(t)
			c.with(awssm.Options{KMSKeyID: c.server.CreateKey(region, ""), ReplicaRegions: []string{"us-east-1"}})
			c.inject(standin.Fault{Operation: op, Kind: standin.FaultDenied})
			if got := missing(c.driver.Try(t.Context())); len(got) != 1 || !fault.Is(got["secretsmanager:"+op], fault.Forbidden) {
				t.Errorf("%s denied: missing %v", op, got)
			}
			c.nothingLeft()
		}
	})
	t.Run("RoleThatCannotBeAssumed", func(t *testing.T) {
		c := start(t)
		c.must(c.server.Inject(standin.Fault{Service: "sts", Operation: "AssumeRole", Kind: standin.FaultDenied}))
		d := awssm.New(awssm.Options{Config: config(c.server.URL, "AKIAKEEPER"), Prefix: prefix, RoleARN: "arn:aws:iam::210987654321:role/keeper"})
		got := missing(d.Try(t.Context()))
		if err := got["sts:AssumeRole"]; len(got) != 1 || !fault.Is(err, fault.Forbidden) {
			t.Errorf("missing: %v", got)
		}
	})
}
