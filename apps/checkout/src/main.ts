// The one script of Checkout. Every page works without it; which part of it runs is said by the page.

import "./style.css";
import { startAround } from "./around";
import { startAway } from "./away";
import { startCountdown } from "./countdown";
import { startForm } from "./form";
import { startLeaving } from "./leave";
import { startSteps, tellParent } from "./steps";
import { startWaiting } from "./wait";

if (document.body.dataset.mode) startAround();
switch (document.body.dataset.page) {
  case "form":
    startForm();
    startCountdown();
    break;
  case "wait":
    startWaiting();
    break;
  case "steps":
    startSteps();
    break;
  case "away":
    startAway();
    break;
  case "message":
    startLeaving();
    break;
  case "frame":
    tellParent();
    break;
}
