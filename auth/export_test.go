package auth

// ActorFor is whom Can is asked about when somebody is explained.
var ActorFor = Subject.actor
