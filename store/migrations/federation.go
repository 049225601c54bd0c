package migrations

import "time"

type samlRequestPurpose struct {
	Kind    name `gorm:"size:20;not null;default:'sign_in'"`
	Purpose name `gorm:"size:100;not null;default:''"`
}

func (samlRequestPurpose) TableName() string { return "saml_requests" }

type sessionNameIDFormat struct {
	NameIDFormat name `gorm:"column:name_id_format;size:255;not null;default:''"`
}

func (sessionNameIDFormat) TableName() string { return "sessions" }

type groupMemberEnd struct {
	EndsAt *time.Time `gorm:"precision:6"`
}

func (groupMemberEnd) TableName() string { return "group_members" }

type providerTested struct {
	TestedAt *time.Time `gorm:"precision:6"`
}

func (providerTested) TableName() string { return "providers" }
