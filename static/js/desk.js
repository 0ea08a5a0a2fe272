/* The entry of every staff page: loads the shared behaviours. The pages work without it; it makes them quick. */

import "./announce.js";
import "./theme.js";
import "./menu.js";
import "./keys.js";
import "./dialog.js";
import "./countdown.js";
import "./search.js";
import "./live.js";
import "./drafts.js";
import "./idle.js";
import "./booking.js";
import "./strip.js";
import "./autosave.js";
import "./columns.js";

/* Where the tabs do not all fit, the present one is in sight. */
for (const tab of document.querySelectorAll("nav.tabs > [aria-current]")) {
  const row = tab.parentElement;
  row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}
