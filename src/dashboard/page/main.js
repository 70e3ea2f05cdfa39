import { takeToken } from "./api.js";
import { showCampaign } from "./campaign.js";
import { showOverview } from "./overview.js";

takeToken();
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const [, id] = /^\/campaigns\/([^/]+)$/.exec(location.pathname) ?? [];
if (id === undefined) showOverview(main);
else showCampaign(main, decodeURIComponent(id));
