// sites says where deployed projects answer now.
import { system } from "./state.js";

const local = /^(https:\/\/[^/:]+\.localhost)(:\d+)?(?=\/|$)/;

// siteNow gives a deployed project's address the port that the gateway has now: a
// deployment of an earlier run of the stack has that run's.
export function siteNow(url) {
  const gateway = system.value?.addresses?.https;
  if (!gateway || !url) return url;
  const { port } = new URL(gateway);
  return url.replace(local, (_, host) => host + (port && ":" + port));
}
