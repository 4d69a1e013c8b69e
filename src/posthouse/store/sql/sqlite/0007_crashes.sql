-- How often the process went away while a lane worked on its head. Kept apart from `tries`: a crash
-- says little about the turn that was running beside twenty others.

ALTER TABLE lanes ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
