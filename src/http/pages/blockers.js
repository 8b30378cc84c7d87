// Opens what a link of the page leads to.
"use strict";

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.localName === "details") {
    target.open = true;
    target.scrollIntoView({ block: "nearest" });
  }
}

addEventListener("hashchange", openTarget);
openTarget();
