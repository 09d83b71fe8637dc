package docker

// ChangesContainers and RemoteHost are tested by themselves: what they decide shows in what
// does not happen, or on another machine.
var (
	ChangesContainers = changesContainers
	RemoteHost        = remoteHost
)
