package awskms

import (
	"encoding/json"
	"strings"

	"github.com/your-org/keeper/kms"
)

// The permissions that Keeper needs, or can use, on a KMS key.
const (
	permDescribe       = "kms:DescribeKey"
	permGenerate       = "kms:GenerateDataKey"
	permEncrypt        = "kms:Encrypt"
	permDecrypt        = "kms:Decrypt"
	permReEncryptFrom  = "kms:ReEncryptFrom"
	permReEncryptTo    = "kms:ReEncryptTo"
	permRotationStatus = "kms:GetKeyRotationStatus"
	permEnableRotation = "kms:EnableKeyRotation"
	permListAliases    = "kms:ListAliases"
)

// cryptographic are the permissions whose calls carry the encryption context, so that a
// policy can be bound to it.
var cryptographic = map[string]bool{
	permGenerate: true, permEncrypt: true, permDecrypt: true, permReEncryptFrom: true, permReEncryptTo: true,
}

// statement is a statement of an AWS policy.
type statement struct {
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]string `json:",omitempty"`
}

// allow is the smallest statement of an IAM policy that allows what was refused: on this key
// alone and, where the call carries one, with this environment's encryption context alone.
func allow(permissions []string, keys []string, ec kms.Context) string {
	s := statement{Effect: "Allow", Action: permissions}
	for _, key := range keys {
		s.Resource = append(s.Resource, resource(key))
	}
	environment, bound := ec[kms.ContextEnvironment]
	if permissions[0] == permListAliases {
		s.Resource = []string{"*"} // it knows no resources
	}
	if bound && cryptographic[permissions[0]] {
		s.Condition = map[string]map[string]string{"StringEquals": {"kms:EncryptionContext:" + kms.ContextEnvironment: environment}}
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // strings alone: nothing can fail
	return strings.TrimSpace(text.String())
}

// resource is how a policy names a key. A policy on an alias's ARN allows nothing, and a bare
// id does not say the account.
func resource(key string) string {
	if strings.HasPrefix(key, "arn:") && !strings.Contains(key, ":alias/") {
		return key
	}
	return "<ARN of the key " + key + ">"
}
